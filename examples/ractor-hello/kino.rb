# frozen_string_literal: true

# What Kino reads when it starts in this folder. `kino --init` writes one with every setting explained.

bind "tcp://127.0.0.1:9292"
mode :ractor

# Runs in each worker's ractor before it serves: the place to open what a ractor has of its own, such as a connection.
on_worker_boot do |worker|
  Tally.mine
  puts "Worker #{worker} serves in the ractor #{RactorHello.ractor}"
  $stdout.flush
end
