# frozen_string_literal: true

module Kino
  class CLI
    # What process 1 of a container does, whose children all become that have lost their parents: it forks the server,
    # hands on what signals it gets, waits for whoever ends, and ends as the server has. The server itself waits for no
    # process but its own, so the app's statuses stay the app's. Where another server takes its place (`USR2`), that is
    # the one from then on, and the container lives on.
    #
    # @api private
    class Init
      # What a server, or an app, may be told by.
      SIGNALS = %w[TERM INT QUIT HUP USR1 USR2 TTIN TTOU WINCH].freeze
      # What a server is started with that takes another's place, see {Relaunch}.
      HEIR = /(\A|\0)KINO_INHERITED=server /n
      # Those after which nothing is to go on.
      STOP = %w[TERM INT QUIT].freeze
      private_constant :SIGNALS, :HEIR, :STOP

      # Goes on in another process, where this one is the first; this one ends with it.
      #
      # @return [void]
      def self.stay_behind
        new.run if Process.pid == 1
      end

      # Comes back in the server's process.
      #
      # @return [void]
      def run
        @early = []
        former = SIGNALS.to_h { |name| [name, Signal.trap(name) { pass_on(name) }] }
        server = fork
        return go_on(former) unless server

        @server = server
        @early.each { |name| pass_on(name) }
        Process.setproctitle("kino: init")
        exit!(outlive(server))
      end

      private

      # What this process was told as the first one, the server is from here on.
      def go_on(former)
        former.each { |name, handler| Signal.trap(name, handler || "DEFAULT") }
        %w[LISTEN_PID WATCHDOG_PID].each { |name| ENV[name] = Process.pid.to_s if ENV[name] == "1" }
      end

      # Until there is a server, signals wait.
      def pass_on(name)
        @asked = name if STOP.include?(name)
        @server ? Process.kill(name, @server) : @early << name
      rescue Errno::ESRCH
        nil # it has ended just now
      end

      # The exit status of the last server. What was to stop the one before, which was on its way out, is for the next.
      def outlive(server)
        loop do
          pid, status = Process.wait2(-1)
          next unless pid == server

          @server = server = heir or return status.exitstatus || (128 + status.termsig)
          pass_on(@asked) if @asked
        end
      end

      # Of those that have lost their parent by then, the server that was started to take its place.
      def heir
        orphans = Dir.children("/proc").grep(/\A\d+\z/).map(&:to_i).select { |pid| orphan?(pid) }
        orphans.select { |pid| File.binread("/proc/#{pid}/environ").match?(HEIR) }.max
      rescue SystemCallError
        nil
      end

      def orphan?(pid)
        File.read("/proc/#{pid}/stat")[/.*\) (\S) (\d+)/] && $2 == "1" && $1 != "Z"
      rescue SystemCallError
        false
      end
    end

    private_constant :Init
  end
end
