# Sourced by the scripts in bin/: what they share about where tools are found.

# rustup's own folder, which a fresh shell may not have in PATH yet.
export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

# Examples and benchmarks run in folders of their own, with this checkout's gems.
export BUNDLE_GEMFILE="$PWD/Gemfile"
export BUNDLE_SILENCE_ROOT_WARNING=true
