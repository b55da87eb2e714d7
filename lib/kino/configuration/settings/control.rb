# frozen_string_literal: true

module Kino
  class Configuration
    module Settings
      # For those who look after a server.
      CONTROL = [
        Setting.new(:control, Kinds::Optional.new(Address::One, nothing: "none"), default: nil,
                    example: "unix:///run/kino.sock", flags: %w[--control],
                    summary: "address at which the server tells how it is", doc: <<~TEXT),
          An address of its own at which the server tells how it is (/live, /ready, /stats, /requests,
          /metrics, a page for people) and does what it is told, whatever Ruby and the workers are at:
          unix:///PATH, or tcp://127.0.0.1:PORT. Only the server's own user may connect to a unix
          socket, unless the address says ?mode=0660. What other machines can reach needs control_token.
          nil, the default, for none.
        TEXT
        Setting.new(:control_token, Kinds::Optional.new(FILE, nothing: "none"), default: nil,
                    example: "/etc/kino.token",
                    summary: "file with what clients of the control address have to know", doc: <<~TEXT),
          A file with a text that clients of that address have to send over TCP, as authorization:
          Bearer TEXT: for all that changes anything, and, where other machines can reach the address, for all
          but /live and /ready. It is read when Kino starts. nil, the default, for none.
        TEXT
        Setting.new(:health_path,
                    Kinds::Optional.new(Kinds::Text.new("PATH", "a path such as /up", %r{\A/[!-~&&[^?#]]*\z}),
                                        nothing: "none"),
                    default: nil, example: "/up", summary: "path at which the server tells whether it is ready",
                    doc: <<~TEXT),
          A path at which Kino itself answers, among the app's own, whether it takes requests: 200, or
          503 while its workers start, while it stops, and when none was taken for ready_timeout though some
          wait. It answers even while every thread is busy. Until the app is booted there is no answer: one
          process refuses connections by then, and with several they wait. /ready of control says 503 all
          along. nil, the default, leaves all paths to the app.
        TEXT
        Setting.new(:ready_timeout, PATIENCE, default: 10,
                    summary: "seconds until a server that takes nothing is not ready", doc: <<~TEXT)
          For requests that wait while no thread takes any, until the server says that it isn't ready
          (at /ready and at health_path). It serves on as ever.
        TEXT
      ].freeze
      private_constant :CONTROL
    end
  end
end
