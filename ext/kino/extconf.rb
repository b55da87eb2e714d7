# frozen_string_literal: true

require "mkmf"
require "rb_sys/mkmf"

# The crate takes part in the workspace two folders up, in a checkout and in an installed gem alike: cargo finds the
# workspace's Cargo.toml, Cargo.lock and release profile from here. RB_SYS_CARGO_PROFILE=dev makes a debug build.
create_rust_makefile("kino/kino")
