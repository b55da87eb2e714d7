# frozen_string_literal: true

module Kino
  class Configuration
    module Settings
      # How long anything may take.
      DEADLINES = [
        Setting.new(:header_timeout, PATIENCE, default: 15, summary: "seconds for a request's head",
                    doc: <<~TEXT),
          For a request's whole head, from its first byte to its last, or of a connection's first from
          accept on. Past it: 408. A new connection that sends nothing is closed after as long.
        TEXT
        Setting.new(:handshake_timeout, PATIENCE, default: 10,
                    summary: "seconds for a TLS handshake", doc: <<~TEXT),
          From accept until a TLS handshake is done, at ssl:// addresses; header_timeout begins after that.
          Past it, the connection is closed.
        TEXT
        Setting.new(:body_timeout, PATIENCE, default: 30,
                    summary: "seconds without a byte of a request's body", doc: <<~TEXT),
          Without a byte of a request's body that is awaited. Past it: 408.
        TEXT
        Setting.new(:body_min_rate, Kinds::Whole.new(0..1_000_000_000), default: 500,
                    summary: "bytes a second a request's body has to come at", doc: <<~TEXT),
          Bytes a second that a request's body has to come at, on the whole, once it has taken 30
          seconds; 0 for any rate. Below it: 408.
        TEXT
        Setting.new(:queue_timeout, PATIENCE, default: nil, default_text: "30; 5 in mode :ractor", example: 30,
                    summary: "seconds a request may wait for a worker", doc: <<~TEXT),
          For a request, until a worker takes it. Past it: 503, even while no worker answers at all. A
          request whose client has left meanwhile is dropped. Where a load balancer should hear soon
          that this server is overloaded, make it shorter.
        TEXT
        Setting.new(:request_timeout, Kinds::Optional.new(PATIENCE), default: nil, example: 60,
                    summary: "seconds until the app's answer begins", doc: <<~TEXT),
          From the moment a request is ready to be served until its answer begins. Past it the client
          gets 504 at once, while the app runs on; its late answer is dropped and counted. nil, the
          default, for no limit. A body that the app reads while it arrives is part of that time.
        TEXT
        Setting.new(:keepalive_timeout, PATIENCE, default: 65,
                    summary: "seconds between two requests of a connection", doc: <<~TEXT),
          Between two requests of one connection. Past it, the connection is closed. Behind a proxy or
          a load balancer, keep it longer than theirs.
        TEXT
        Setting.new(:write_timeout, PATIENCE, default: 30, summary: "seconds without progress on an answer",
                    doc: <<~TEXT),
          Without progress while an answer is sent. Past it, the connection is aborted.
        TEXT
        Setting.new(:write_min_rate, Kinds::Whole.new(0..1_000_000_000), default: 500,
                    summary: "bytes a second an answer has to be read at", doc: <<~TEXT),
          Bytes a second that a client has to read an answer at, on the whole, once it has been waited
          for for 30 seconds; 0 for any rate. Below it, the connection is aborted.
        TEXT
        Setting.new(:stuck_timeout, Kinds::Optional.new(PATIENCE), default: nil, example: 60,
                    summary: "seconds until a worker counts as stuck", doc: <<~TEXT),
          For one request, until its worker counts as stuck: it is reported with the request's method
          and path, quarantined, and another takes its place, as many as there are workers at most. It is
          never ended. nil, the default, looks for none. A streamed answer counts from its last part.
        TEXT
        Setting.new(:shutdown_timeout, Kinds::Seconds.new(0..86_400), default: 30,
                    summary: "seconds for running requests when stopping", doc: <<~TEXT),
          For requests that still run when Kino is told to stop. Past it, Kino ends without them, with
          exit status 1. What the app wants done at exit has what is left of it, and a second of its own.
        TEXT
        Setting.new(:drain_delay, Kinds::Seconds.new(0..86_400), default: 0, example: 5,
                    summary: "seconds to go on for when told to stop", doc: <<~TEXT)
          To go on for when Kino is told to stop, accepting connections but ending each with its
          answer, so that a load balancer has time to notice. It is part of shutdown_timeout, and a
          second signal ends it.
        TEXT
      ].freeze
      private_constant :DEADLINES
    end
  end
end
