# frozen_string_literal: true

module Kino
  class Configuration
    module Settings
      # What workers are, and what is called in them.
      RUNNING = [
        Setting.new(:mode, Kinds::Choice.new(:threaded, :ractor, :auto), default: nil,
                    default_text: "threaded", example: :threaded, flags: %w[-m --mode],
                    summary: "how workers run: threaded, ractor or auto", doc: <<~TEXT),
          How workers run. :threaded runs any Rack app, Rails included, on threads that share one
          interpreter lock. :ractor runs each worker in a ractor, in parallel, for apps that can be
          shared between ractors: kino --check says whether yours can, and why not. :auto takes ractors
          from Ruby 4.0 on where the app can be shared, threads otherwise, and says which and why; a
          change of the app may then change how many requests run at once.
        TEXT
        Setting.new(:workers, Kinds::Whole.new(1..1024, words: { "auto" => -> { Cpus.count } }),
                    default: nil, default_text: "1; in mode :ractor one for each CPU", example: 2,
                    flags: %w[-w --workers], summary: "workers to run", doc: <<~TEXT),
          Workers to run: workers x threads requests run at once. In mode :ractor each has a core of its
          own, and the default, which "auto" stands for too, is the number of CPUs this process may use:
          its CPU affinity and its container's CPU quota are honoured. In mode :threaded all share one
          interpreter lock, so more of them are only more threads. In mode :ractor WEB_CONCURRENCY says
          how many there are; in others it means processes.
        TEXT
        Setting.new(:threads, Kinds::Threads.new(1..1024), default: nil,
                    default_text: "5; 1 in mode :ractor", example: 5, flags: %w[-t --threads],
                    variables: %w[RAILS_MAX_THREADS], summary: "threads in each worker, or MIN:MAX", doc: <<~TEXT),
          Threads in each worker. With more of them more requests can wait at once, for a database or
          another service; an app that only computes needs few. A database pool needs workers x
          threads connections. A least and a most (threads 3, 16) start as many as are needed: more
          while requests wait, all threads are busy and some of them wait for I/O; fewer when some have
          had nothing to do for thread_idle_timeout. In mode :ractor there are always the most.
        TEXT
        Setting.new(:min_threads, Kinds::Whole.new(1..1024), default: nil, default_text: "threads", example: 3,
                    summary: "threads that each worker always has", doc: <<~TEXT),
          The least of threads, where it is said apart: threads 3, 16 is min_threads 3 and threads 16.
          Whoever says threads in a stronger place (-t 8) says the least, too; RAILS_MAX_THREADS doesn't.
        TEXT
        Setting.new(:thread_idle_timeout, PATIENCE, default: 30,
                    summary: "seconds until a thread with nothing to do ends", doc: <<~TEXT),
          For a thread above the least, without a request, until it ends; one after the other.
        TEXT
        Setting.new(:max_io_threads, Kinds::Whole.new(0..1024), default: 0, example: 16,
                    summary: "threads besides, for requests marked as I/O bound", doc: <<~TEXT),
          Threads that each worker may have besides the most, one for each request that the app has
          marked as one that mostly waits: env["puma.mark_as_io_bound"].call, which there is with this
          setting, or env["kino.request"].mark_as_io_bound. They need database connections like others.
          0, the default, for none; none in mode :ractor.
        TEXT
        Setting.new(:gc_when_idle, Kinds::Flag.new, default: false, example: true,
                    summary: "collect garbage while no request runs", doc: <<~TEXT),
          Whether Ruby collects its garbage while no request runs or waits, once the next collection of
          all objects (a major one) is near: it comes sooner than it would, and in the middle of no
          request. A request that comes in the middle of it waits for it. Measure before you keep it: it
          helps where there are gaps between requests, and does nothing where there are none.
        TEXT
        Setting.new(:on_worker_boot, WORKER_HOOK, default: [].freeze, default_text: "none",
                    summary: "called in each worker before it serves", doc: <<~TEXT),
          Called in each worker before it serves, with the worker's number, from 0: the place to open
          what every worker has of its own. May be written more than once. In mode :ractor it runs in
          the worker's ractor, so it can use constants and frozen values only. A worker whose hook
          raises is started again, and ends the server when that goes on.
        TEXT
        Setting.new(:on_worker_stop, WORKER_HOOK, default: [].freeze, default_text: "none",
                    summary: "called in each worker after it has served", doc: <<~TEXT),
          Called in each worker after it has served its last request, with the worker's number.
        TEXT
        Setting.new(:on_thread_boot, WORKER_HOOK, default: [].freeze, default_text: "none",
                    summary: "called in each thread of a worker before it serves", doc: <<~TEXT),
          Called in each thread that serves requests, before its first, with its worker's number: the
          place for what a thread has of its own, such as a connection handler of Active Record in a
          ractor. In mode :ractor it runs in the worker's ractor, as on_worker_boot does. A hook that
          raises is logged, and its thread serves all the same.
        TEXT
        Setting.new(:on_drain, Kinds::Hook.new("{ FEED.close }"), default: [].freeze, default_text: "none",
                    summary: "called when the server is told to stop", doc: <<~TEXT),
          Called once, with nothing, when the server is told to stop, before it waits for what runs: the
          place to end answers that have no end of their own, such as server-sent events. It runs in the
          main ractor. drain_delay is over by then; a stop at once doesn't call it.
        TEXT
        Setting.new(:on_error, Kinds::Hook.new("{ |error, env| warn error.message }"), default: [].freeze,
                    default_text: "none", summary: "called with each error that the app lets pass", doc: <<~TEXT),
          Called with each error that nothing in the app has dealt with, and the request's env, once the
          client has its answer and the error is logged: the place to tell an error tracker. It may take
          fewer arguments. env is nil for an error outside of any request. May be written more than
          once. In mode :ractor it runs in the worker's ractor, as on_worker_boot does. It is called, too,
          for requests that got a 504 (Kino::RequestTimeoutError) and for workers that are stuck
          (Kino::WorkerStuckError), with the backtrace of where the app's thread is, while it is there;
          in mode :ractor without that, and while the app is at it without the env, in the main ractor.
        TEXT
        Setting.new(:lowlevel_error_handler, Kinds::Handler.new(3, '{ |error| [500, {}, ["Sorry"]] }'),
                    default: nil, default_text: "none", summary: "makes the answer to an error of the app",
                    doc: <<~TEXT),
          Makes the client's answer to an error that nothing in the app has dealt with: a Rack answer,
          with a body that is an Array of Strings or has each. It is called with the error, the request's
          env and the status 500, and may take fewer. Where it raises, or its answer can't be sent, the
          client gets the plain 500, as without it. What a client has done wrong never comes here. In
          mode :ractor it runs in the worker's ractor, as on_worker_boot does.
        TEXT
        Setting.new(:error_page, Viewers.new, default: Networks::LOCAL,
                    default_text: "this machine: #{Networks::LOCAL.join(", ")}",
                    example: ["127.0.0.1", "172.17.0.0/16"],
                    summary: "who sees errors of the app, in development", doc: <<~TEXT)
          Who is answered, in environment development alone, with the error itself where nothing in the
          app has dealt with one: its causes, the source around it, the backtrace and the request, without
          what looks like a secret. As HTML, as JSON where Accept asks for that, else as text. These are
          addresses and networks; who comes by proxies has to be one of them, and so have the proxies.
          The host that is asked for has to be an address, one word, or end in .localhost, .test,
          .internal or .local: no website can have such a name, and a browser read the page for it.
          Everybody else gets the plain 500. A list replaces the default; false is nobody.
        TEXT
      ].freeze
      private_constant :RUNNING
    end
  end
end
