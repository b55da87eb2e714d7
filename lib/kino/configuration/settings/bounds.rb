# frozen_string_literal: true

module Kino
  class Configuration
    module Settings
      # What a client may send.
      REQUEST_BOUNDS = [
        Setting.new(:max_header_size, Kinds::Whole.new(1024..16_777_216), default: 65_536,
                    summary: "bytes of a request's head", doc: <<~TEXT),
          Bytes a request's head may have, from its first line to the empty one. A longer one is
          answered with 431. One of HTTP/2 counts as many as it would have on HTTP/1.1.
        TEXT
        Setting.new(:max_headers, Kinds::Whole.new(1..10_000), default: 128,
                    summary: "header fields of a request", doc: <<~TEXT),
          Header fields a request may have. More are answered with 431.
        TEXT
        Setting.new(:max_uri_size, Kinds::Whole.new(64..16_777_216), default: 16_384,
                    summary: "bytes of a request's target", doc: <<~TEXT),
          Bytes a request's target (its path and query) may have. A longer one is answered with 414.
        TEXT
        Setting.new(:max_body_size, Kinds::Optional.new(Kinds::Whole.new(0..1_125_899_906_842_624)),
                    default: 1_073_741_824, summary: "bytes of a request's body", doc: <<~TEXT),
          Bytes a request's body may have; nil for no limit. A longer one is answered with 413, and
          the app never sees it; an app that reads it while it arrives gets Kino::BodyTooLargeError.
        TEXT
        Setting.new(:stream_bodies, Kinds::Paths.new, default: false, example: ["/uploads"],
                    summary: "hand requests over before their body has come", doc: <<~TEXT),
          Whether a request goes to the app with its head, which then reads the body from rack.input
          while it arrives (no rewind, no size): true, or the beginnings of paths that it is for. By
          default a request is complete when the app gets it, so that no slow client holds a thread. A
          client that waits for a 100 (Expect: 100-continue) has it at once by default, and here when
          the app first reads, so that an app may refuse the body unsent. At most half of the threads
          wait for clients, so with one thread in all none does; past that, bodies are waited for as
          ever, over HTTP/2 until another has come.
        TEXT
        Setting.new(:underscore_headers, Kinds::Flag.new, default: false, example: true,
                    summary: "let header names with an underscore through", doc: <<~TEXT),
          Whether the app sees headers whose name has an underscore. X_User and X-User are the same key
          of the env, and a proxy may have checked only one of them: where both come, the app sees
          X-User.
        TEXT
        Setting.new(:body_buffer, Kinds::Whole.new(0..1_073_741_824), default: 65_536,
                    summary: "bytes of a request's body kept in memory", doc: <<~TEXT),
          Bytes of a request's body that are kept in memory. A longer body goes to an unlinked
          temporary file while it arrives.
        TEXT
        Setting.new(:spool_dir, Kinds::Folder.new, default: -> { temporary_folder },
                    default_text: "the system's temporary folder", example: "/var/tmp",
                    summary: "folder for bodies past body_buffer", doc: <<~TEXT),
          The folder those temporary files are made in, and those for long answers whose clients are
          slow to read. Where the default can't be written to, as in a read-only container, Kino says
          so at the start, and answers bodies past body_buffer with 503.
        TEXT
        Setting.new(:spool_limit, Kinds::Optional.new(Kinds::Whole.new(0..1_125_899_906_842_624)), default: nil,
                    default_text: "a tenth of what is free on its disk", example: 1_073_741_824,
                    summary: "bytes of all files in spool_dir together", doc: <<~TEXT)
          Bytes that all those files together may have; nil, the default, for a tenth of what is free
          on the disk when Kino starts. Past it, a body is answered with 503, and an answer that its
          client is slow to read is aborted. They may take up to seven eighths of the open files that
          Kino has for connections and files, too.
        TEXT
      ].freeze

      # What all clients together may have.
      LOAD_BOUNDS = [
        Setting.new(:max_connections, COUNT, default: -> { connections_for },
                    default_text: "nine tenths of the open-file limit", example: 1024,
                    summary: "connections held at once", doc: <<~TEXT),
          Connections held at once. Past it, those that have been idle for longest are closed for new
          ones; where none is idle, new ones wait in the system's backlog. The default is nine tenths of
          the open-file limit (`ulimit -n`), and at most 10240.
        TEXT
        Setting.new(:queue_depth, COUNT, default: 1024, summary: "requests that may wait for a worker",
                    doc: <<~TEXT),
          Requests that may wait for a worker. Past it, new ones are answered with 503 at once.
        TEXT
        Setting.new(:max_keepalive_requests, Kinds::Optional.new(COUNT), default: nil, example: 1000,
                    summary: "requests of one connection", doc: <<~TEXT)
          Requests one connection may make, the last of which is answered with connection: close; nil
          for no limit. With a limit, a load balancer spreads its connections anew now and then. On
          HTTP/2 the client is told by GOAWAY, and those that were on their way are answered, too, for
          half a second and up to http2_max_streams; others are refused (REFUSED_STREAM).
        TEXT
      ].freeze

      # What is that protocol's alone.
      HTTP2 = [
        Setting.new(:http2, Kinds::Optional.new(Kinds::Flag.new, nothing: "HTTP/2 over TLS alone"), default: nil,
                    example: true, summary: "speak HTTP/2 to clients that know it", doc: <<~TEXT),
          Whether clients are spoken to in HTTP/2 that want it: over TLS those that ask for it in the
          handshake (ALPN), as browsers do; without TLS, with true, those that begin a connection as
          HTTP/2 does (prior knowledge, as curl's --http2-prior-knowledge, gRPC or a proxy that is told
          so). All others are spoken to in HTTP/1.1, on the same ports. Its requests reach the app as
          any do, but for rack.hijack, which only those for a WebSocket have. false for HTTP/1.1 alone.
        TEXT
        Setting.new(:http2_max_streams, PER_CONNECTION, default: 128, example: 250,
                    summary: "requests that one connection of HTTP/2 may make at a time", doc: <<~TEXT),
          Requests that one connection of HTTP/2 may make at one time. Clients are told, and wait with
          others; those that don't are refused (REFUSED_STREAM), and may ask again.
        TEXT
        Setting.new(:http2_max_resets, PER_CONNECTION, default: 64, example: 200,
                    summary: "streams a second that may end before their answers do", doc: <<~TEXT),
          Streams a second of one connection that may end before their answers do, since the client
          resets them, breaks the protocol in them, or opens them past http2_max_streams. Four times as
          many may at once: a browser whose page is left resets all that it has asked for. Past it, the
          connection is ended (ENHANCE_YOUR_CALM), which is counted, as with the next three.
        TEXT
        Setting.new(:http2_max_continuations, PER_CONNECTION, default: 32, example: 8,
                    summary: "frames that may go on with a header block", doc: <<~TEXT),
          CONTINUATION frames of one header block. How long it may be max_header_size says.
        TEXT
        Setting.new(:http2_max_control_frames, PER_CONNECTION, default: 128, example: 500,
                    summary: "frames a second that ask for nothing, such as PING", doc: <<~TEXT),
          Frames a second of one connection that ask for nothing: PING, SETTINGS, GOAWAY, PRIORITY,
          PRIORITY_UPDATE, those that nobody knows, and WINDOW_UPDATE. Eight times as many may come at
          once, and another with each request and each DATA frame of either side, since gRPC measures
          with a PING for each. A WINDOW_UPDATE that gives back what was sent is none of them: one for
          each DATA frame, on its stream and on the connection, or for 256 bytes.
        TEXT
        Setting.new(:http2_max_empty_frames, PER_CONNECTION, default: 128, example: 16,
                    summary: "frames a second for data that have none", doc: <<~TEXT)
          DATA frames a second of one connection that have nothing in them and don't end their stream.
          Eight times as many may come at once, and another with each DATA frame that has something.
        TEXT
      ].freeze
      private_constant :REQUEST_BOUNDS, :LOAD_BOUNDS, :HTTP2
    end
  end
end
