# frozen_string_literal: true

module Kino
  class Configuration
    module Settings
      # Copies of the app, and what each does at its beginning and its end.
      PROCESSES = [
        Setting.new(:processes, Kinds::Processes.new(1..256, words: { "auto" => -> { Cpus.count } }),
                    default: nil, default_text: "1", example: 4, flags: %w[--processes],
                    variables: %w[WEB_CONCURRENCY],
                    summary: "processes to fork from one booted app", doc: <<~TEXT),
          Copies of the booted app to fork, each of which serves as one process alone does: that is how
          an app that can't leave one interpreter lock, as Rails can't, has all cores. What is said of
          workers, threads, connections and bounds holds for each of them. "auto" is the number of CPUs
          this process may use. With 1 nothing is forked. In mode :ractor WEB_CONCURRENCY means workers,
          and no processes.
        TEXT
        Setting.new(:preload, Kinds::Flag.new, default: true, example: false,
                    summary: "boot the app once, and fork it", doc: <<~TEXT),
          Whether the app is booted once, and its processes share the memory of that. With false each
          process boots an app of its own: for one that can't be forked. USR1 then boots the app's new
          code with the gems that there were at the start; new gems take USR2.
        TEXT
        Setting.new(:before_fork, LETTING_GO, default: [].freeze, default_text: "none",
                    summary: "called in the booted app before it is forked", doc: <<~TEXT),
          Called once, with nothing, where the app has been booted, before the first process is forked:
          the place to let go of what two processes can't share, such as connections. Active Record's
          are let go of without it.
        TEXT
        Setting.new(:on_warmup, Kinds::Hook.new('{ |app| app.get("/login") }'), default: [].freeze,
                    default_text: "none", summary: "called with the booted app before it is forked", doc: <<~TEXT),
          Called where the app has been booted, with what requests can be sent through it by: get(path),
          with headers if need be, gives the status. It asks as over TLS, for the first of the hosts that
          Rails is to take, else for localhost; what is refused or sent elsewhere is named. What is loaded
          and compiled then is there once for all processes. A hook that raises ends the start, or the
          restart, with what it has raised.
        TEXT
        Setting.new(:on_process_boot, Kinds::Hook.new("{ |process| CACHE.connect(process) }"), default: [].freeze,
                    default_text: "none", summary: "called in each process before it serves", doc: <<~TEXT),
          Called in each process before it serves, with its number, from 0: the place to open what every
          process has of its own. Active Record and redis need no line here. With one process, which is
          not forked, it is not called.
        TEXT
        Setting.new(:on_process_exit, LETTING_GO, default: [].freeze, default_text: "none",
                    summary: "called in each process after it has served", doc: <<~TEXT),
          Called in each process after it has served its last request, with its number.
        TEXT
        Setting.new(:process_timeout, Kinds::Optional.new(PATIENCE, nothing: "no such watch"), default: 60,
                    summary: "seconds until a process counts as stuck", doc: <<~TEXT),
          For a process without a sign of life, or that finishes no request while some wait, or runs no
          Ruby after a request of its got a 504 (request_timeout): then it is told of with what it
          serves, ended, and another takes its place.
        TEXT
        Setting.new(:refork_after, Kinds::Steps.new, default: [].freeze, default_text: "never",
                    example: 1000, summary: "requests of a process until others are forked from it", doc: <<~TEXT),
          Requests that a process has served when it becomes the one that all others are forked from,
          one after the other: what it has loaded and compiled by then is shared from there on. A list
          such as [1000, 10000] has the numbers of the first time, the second and so on; the last one
          counts again and again, unless false comes after it. false, the default, is for never. Threads
          that its app has started by then aren't in those that are forked from it; they are named.
        TEXT
        Setting.new(:on_refork, LETTING_GO, default: [].freeze, default_text: "none",
                    summary: "called in a process before others are forked from it", doc: <<~TEXT),
          Called in a process that has served, and that others are going to be forked from (refork_after),
          before the first is: the place to end threads of the app's. One that raises ends the refork, and
          the process.
        TEXT
        Setting.new(:recycle_requests, Kinds::Optional.new(COUNT), default: nil, example: 100_000,
                    summary: "requests until a process is replaced", doc: <<~TEXT),
          Requests that a process serves until another takes its place, up to a tenth more, so that they
          aren't replaced all at once; one at a time, the new one first. nil, the default, for no limit.
        TEXT
        Setting.new(:recycle_memory, Kinds::Optional.new(Kinds::Bytes.new(16 * 1024**2..1024**4)), default: nil,
                    example: "512MB", summary: "memory until a process is replaced", doc: <<~TEXT),
          Memory of a process (its proportional share, PSS) past which another takes its place, looked at
          every few seconds: "512MB", "1.5GB". One at a time, the new one first. nil, the default, for no
          limit.
        TEXT
        Setting.new(:restart_timeout, PATIENCE, default: 120, summary: "seconds for a restart to be ready",
                    doc: <<~TEXT),
          For what a restart boots anew, until it is ready to serve. Past it, the restart is given up, and
          what ran before runs on. Of several processes, one that takes longer at the first boot is named, and
          waited for.
        TEXT
        Setting.new(:restart_file, Kinds::Optional.new(FILE, nothing: "none"), default: nil,
                    example: "tmp/restart.txt", summary: "file whose touch asks for a restart", doc: <<~TEXT)
          A file that is looked at every second: whoever touches it asks for a restart, process by process
          where there are several, and else by another server that takes this one's place. bin/rails
          restart touches tmp/restart.txt. nil, the default, for none; plugin :tmp_restart, as Rails writes
          it for Puma, is "tmp/restart.txt".
        TEXT
      ].freeze
      private_constant :PROCESSES
    end
  end
end
