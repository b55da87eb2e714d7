# frozen_string_literal: true

# What Kino reads when it starts in this folder. `kino --init` writes one with every setting explained.

environment "production"
bind "tcp://127.0.0.1:9292"
threads 5

# Copies of the booted app, one for each core: `WEB_CONCURRENCY=4 kino`, or
# processes 4

# Loaded and compiled once, before they are forked.
on_warmup { |app| app.get("/") }
