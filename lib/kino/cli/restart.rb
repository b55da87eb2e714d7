# frozen_string_literal: true

require_relative "../errors"

module Kino
  class CLI
    # Asks a server that runs to start anew.
    #
    # @api private
    class Restart
      # @param pid [Integer, nil] the server's process, where it is named
      # @param pidfile [String, nil] the file that has it otherwise
      def initialize(pid, pidfile)
        @pid = pid
        @pidfile = pidfile
      end

      # Asks.
      #
      # @param full [Boolean] whether another server is to take its place
      # @return [String] what was done
      # @raise [ConfigurationError] when there is none, or it isn't this user's
      def ask(full:)
        pid = @pid || read
        Process.kill(full ? :USR2 : :USR1, pid)
        "Asked process #{pid} to #{full ? "start another server in its place" : "restart"}; it says how that goes"
      rescue Errno::ESRCH
        raise ConfigurationError, "restart: there is no process #{pid}#{" (#{@pidfile})" unless @pid}; is Kino running?"
      rescue Errno::EPERM
        raise ConfigurationError, "restart: process #{pid} is another user's; run kino restart as that user"
      end

      private

      def read
        unless @pidfile
          raise ConfigurationError, "restart: which process? Write pidfile \"tmp/pids/kino.pid\" in kino.rb, or " \
                                    "kino restart PID"
        end
        pid = File.read(@pidfile).to_i
        return pid if pid.positive?

        raise ConfigurationError, "restart: #{@pidfile} has no process's id; is Kino running?"
      rescue SystemCallError => error
        raise ConfigurationError, "restart: #{@pidfile} can't be read (#{error.message[/\A[^@]+/].strip}); is Kino " \
                                  "running, and this its folder?"
      end
    end
  end
end
