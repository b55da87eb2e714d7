# frozen_string_literal: true

module Kino
  class Configuration
    module Settings
      # Which app it is, and what it finds.
      APP = [
        Setting.new(:environment,
                    Kinds::Text.new("NAME", "a word such as production", /\A[[:alnum:]][\w.-]*\z/),
                    default: "development", example: "production", flags: %w[-e --environment],
                    variables: %w[APP_ENV RACK_ENV RAILS_ENV], summary: "environment the app runs in", doc: <<~TEXT),
          The environment the app runs in. Kino puts it in RACK_ENV, which Rails reads where RAILS_ENV
          is not set, and Sinatra where APP_ENV is not.
        TEXT
        Setting.new(:rackup, FILE, default: "config.ru",
                    summary: "file that has the app", doc: <<~TEXT),
          The file that has the app. `kino path/to/config.ru` names it too.
        TEXT
        Setting.new(:early_hints, Kinds::Flag.new, default: false, example: true, flags: %w[--early-hints],
                    summary: "offer apps rack.early_hints", doc: <<~TEXT),
          Whether requests are offered rack.early_hints, by which an app has a 103 sent before its
          answer. Rails then sends one for each asset tag. Only for clients, and proxies in front, that
          are known to take one: some hand it out as the answer (RFC 8297, section 3).
        TEXT
        Setting.new(:quiet, Kinds::Flag.new, default: false, example: true, flags: %w[--quiet],
                    summary: "print errors only", doc: <<~TEXT),
          Whether Kino says nothing when it starts and stops. Errors are always printed, and so is what
          others tell it to do.
        TEXT
        Setting.new(:pidfile, Kinds::Optional.new(FILE, nothing: "none"), default: nil, example: "tmp/pids/kino.pid",
                    summary: "file for the process's id", doc: <<~TEXT),
          A file that has the process's id from the moment it listens to its end, for what stops it by
          that; nil, the default, for none. systemd and containers need none.
        TEXT
        Setting.new(:logger, Kinds::Optional.new(Kinds::Log.new, nothing: "standard output and error"), default: nil,
                    summary: "logger that what Kino says goes through", doc: <<~TEXT)
          A logger that all goes through which Kino has to say, of its start and stop, of its workers,
          and what its Rust core logs (KINO_LOG says how much): require "logger" first. There is one for
          the process, that of the server started last. nil, the default, for standard output and error.
        TEXT
      ].freeze

      # What is written down.
      LOGS = [
        Setting.new(:log_format, Kinds::Choice.new(:text, :json), default: :text, example: :json,
                    flags: %w[--log-format], summary: "text or json, of what Kino says", doc: <<~TEXT),
          Whether what Kino says of itself, and errors of the app, are :text or a line of :json each,
          with time, level, message and more; of an error method, path, request_id, its class, message
          and backtrace. With a logger, that decides.
        TEXT
        Setting.new(:log_level, Kinds::Choice.new(:debug, :info, :warn, :error), default: :info, example: :warn,
                    flags: %w[--log-level], summary: "what Kino says: debug, info, warn or error", doc: <<~TEXT),
          The least severity of what Kino says. :debug shows each request that was refused, :warn leaves
          out what is said at start and stop, :error warnings, too. KINO_LOG wins over it for the Rust
          core. Errors of the app are always said.
        TEXT
        Setting.new(:access_log, Kinds::Optional.new(Kinds::LogTarget.new, nothing: "none"), default: nil,
                    example: "log/access.log", flags: %w[--access-log],
                    summary: "file for a line of each request, or stdout", doc: <<~TEXT),
          A file that gets a line for each request when it is over, also for those that never reached
          the app, with the cause; or :stdout. Lines are written by a thread of its own; what finds no
          room is dropped and counted (stats[:access_log_dropped]). HUP opens the file anew, for
          logrotate, where there is no terminal. The format may stand here, too:
          access_log "log/access.log", format: :json.
        TEXT
        Setting.new(:access_log_format, Kinds::LineFormat.new, default: :combined, example: :json,
                    flags: %w[--access-log-format], summary: "combined, common, json, text or a template",
                    doc: <<~TEXT),
          What a line of the access log is like: :combined and :common as Apache and nginx have them,
          :json with every field of which there is something to tell, :text for people, or a template,
          text with fields in braces. Fields are time, clf_time, peer, remote_addr, request, method,
          target, path, protocol, host, status, bytes, queue, app, total (milliseconds), request_id,
          traceparent, user_agent, referer, worker, process, cause, and header:NAME. peer is the client
          named in X-Forwarded-For by trusted_proxies. A status of 499 is for a client that left before
          its answer began, 000 for one that got none for another reason.
        TEXT
        Setting.new(:filter_query, Kinds::QueryFilter.new, default: false, example: %w[token password],
                    summary: "what of queries the access log leaves out", doc: <<~TEXT),
          Whether the access log leaves queries out, of targets and referers, since they may hold
          secrets; or the names of the parameters whose values become [FILTERED], also within brackets
          (user[password]).
        TEXT
        Setting.new(:request_id, Kinds::Flag.new, default: false, example: true,
                    summary: "know each request by an id", doc: <<~TEXT),
          Whether each request has an id: that of its X-Request-Id, if that is 1 to 255 letters, digits
          and any of _ - @, which Rails takes as it is, or a new one (UUIDv7). The app finds it in
          HTTP_X_REQUEST_ID, where Rails takes it from, and in kino.request_id; the answer has it in
          X-Request-Id, unless the app sets that; and so do the access log and what is logged of an error.
        TEXT
        Setting.new(:server_timing, Kinds::Flag.new, default: false, example: true,
                    summary: "tell clients how long requests took", doc: <<~TEXT)
          Whether answers have a Server-Timing header with the milliseconds that the request waited for
          a worker (queue) and that the app took until its answer's head (app), which browsers show
          among what they loaded. Everybody who asks sees it.
        TEXT
      ].freeze
      private_constant :APP, :LOGS
    end
  end
end
