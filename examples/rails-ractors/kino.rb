# frozen_string_literal: true

# What Kino reads when it starts in this folder. `kino --init` writes one with every setting explained.

environment "production"
bind "tcp://127.0.0.1:9292"

# Kino has the app share itself (`ractorize!`), and starts a ractor for each CPU; `workers 8` is another number.
mode :ractor
threads 1
