# frozen_string_literal: true

# Settings of Kino, the web server. `bin/rails server` and `bundle exec kino` read this file. Flags (-p, -t)
# and the environment (PORT, RAILS_MAX_THREADS, WEB_CONCURRENCY) win over it. It has what most Rails apps
# want; `bundle exec kino --init all.rb` writes a file with every setting, explained.

# Requests that run at once in each process. The pool in config/database.yml needs as many connections:
#   pool: <%= ENV.fetch("RAILS_MAX_THREADS") { 5 } %>
threads ENV.fetch("RAILS_MAX_THREADS", 5)

# Copies of the app, booted once and forked: one for each core uses the whole machine. WEB_CONCURRENCY=2, or
# processes 2

# The port on this machine, where neither -p nor PORT names another.
port 3000

# `bin/rails restart` boots the new code beside what runs, and loses no request.
restart_file "tmp/restart.txt"

# Loaded and compiled once, before the app is forked. With a path of yours:
# on_warmup { |app| app.get("/up") }

# For `bundle exec kino status`, `requests`, `top`, `restart` and `stop`.
# control "unix://tmp/kino.sock"
