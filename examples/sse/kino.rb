# frozen_string_literal: true

# What Kino reads when it starts in this folder. `kino --init` writes one with every setting explained.

bind "tcp://127.0.0.1:9292"
mode :threaded
workers 1
threads 2

# A stop waits for answers that have begun, and these have no end of their own.
on_drain { SSE::HUB.close }
