"""A provider that knows its schema and nothing else: Terraform can validate with it and run tests against mocks of it.

Terraform starts it as a plugin. It answers what is asked of the schema, agrees to every value, and refuses to read, plan
or change anything, so that it can never be taken for the real one. Needs grpcio, TF_DISABLE_PLUGIN_TLS=1, and the bytes
of `wire.schema_response` in the file that PIDIMA_TF_SCHEMA names.
"""

import os
import sys
import threading
from concurrent import futures

import grpc

import wire

COOKIE = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
PROVIDER = "/tfplugin5.Provider/"


def main():
    if os.environ.get("TF_PLUGIN_MAGIC_COOKIE") != COOKIE:
        sys.exit("this is a plugin of Terraform: run it through Terraform")
    with open(os.environ["PIDIMA_TF_SCHEMA"], "rb") as file:
        schema = file.read()
    stopped = threading.Event()

    def prepare(request):
        return wire.message(1, wire.fields(request).get(1, b""))

    def upgrade(request):
        state = wire.fields(wire.fields(request).get(3, b"")).get(1, b"{}")
        return wire.message(1, wire.message(2, state))

    def shut_down(_):
        stopped.set()
        return b""

    def agree(_):
        return b""

    unary = {
        PROVIDER + "GetSchema": lambda _: schema,
        PROVIDER + "PrepareProviderConfig": prepare,
        PROVIDER + "ValidateResourceTypeConfig": agree,
        PROVIDER + "ValidateDataSourceConfig": agree,
        PROVIDER + "ValidateEphemeralResourceConfig": agree,
        PROVIDER + "Configure": agree,
        PROVIDER + "UpgradeResourceState": upgrade,
        PROVIDER + "Stop": agree,
        "/grpc.health.v1.Health/Check": lambda _: b"\x08\x01",
        "/plugin.GRPCController/Shutdown": shut_down,
    }

    def silence(_request, _context):
        stopped.wait()
        yield from ()

    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            if answer := unary.get(details.method):
                return grpc.unary_unary_rpc_method_handler(lambda request, _: answer(request))
            if details.method == "/plugin.GRPCStdio/StreamStdio":
                return grpc.unary_stream_rpc_method_handler(silence)
            if details.method == "/plugin.GRPCBroker/StartStream":
                return grpc.stream_stream_rpc_method_handler(silence)
            return None

    server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.max_send_message_length", 1 << 29)])
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"1|5|tcp|127.0.0.1:{port}|grpc", flush=True)
    stopped.wait()
    # The answer to the shut-down must still go out.
    threading.Event().wait(0.05)
    os._exit(0)


if __name__ == "__main__":
    main()
