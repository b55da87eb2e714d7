# frozen_string_literal: true

require_relative "../processes/relay"

module Kino
  class CLI
    # What process 1 of a container does, whose children all become that have lost their parents: it forks the server,
    # and stays as its {Relay}. The server itself waits for no process but its own, so the app's statuses stay the
    # app's. Where another server takes its place (`USR2`), the container lives on.
    #
    # @api private
    module Init
      class << self
        # Goes on in another process, where this one is the first; this one ends with it.
        #
        # @return [void]
        def stay_behind
          run if Process.pid == 1
        end

        # Comes back in the server's process.
        #
        # @return [void]
        def run
          relay = Relay.new
          former = relay.take_signals
          server = fork
          return go_on(former) unless server

          Process.setproctitle("kino: init")
          exit!(relay.outlive(server))
        end

        private

        # What this process was told as the first one, the server is from here on.
        def go_on(former)
          Relay.behind = true
          former.each { |name, handler| Signal.trap(name, handler || "DEFAULT") }
          %w[LISTEN_PID WATCHDOG_PID].each { |name| ENV[name] = Process.pid.to_s if ENV[name] == "1" }
        end
      end
    end

    private_constant :Init
  end
end
