"""Stand-in for services of AWS in the tests: ministack with the services given, on the port given, on this machine only, until standard input ends."""

import os
import sys
import threading

port = sys.argv[1]
os.environ.update(
    BIND_HOST="127.0.0.1",
    GATEWAY_PORT=port,
    MINISTACK_HOST="127.0.0.1",
    IOT_MTLS_ENABLED="0",
    SERVICES=sys.argv[2],
)


def end_with_the_tests():
    # The pipe closes however its holder dies.
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=end_with_the_tests, daemon=True).start()

from ministack.app import main  # noqa: E402

sys.argv = ["ministack"]
main()
