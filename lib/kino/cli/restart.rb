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
        signal = full ? "USR2" : "USR1"
        refuse(pid) unless heard?(signal, pid)
        Process.kill(signal, pid)
        "Asked process #{pid} to #{full ? "start another server in its place" : "restart"}; it says how that goes"
      rescue Errno::ESRCH, RangeError
        raise ConfigurationError, "restart: there is no process #{pid}#{" (#{@pidfile})" unless @pid}; is Kino running?"
      rescue Errno::EPERM
        raise ConfigurationError, "restart: process #{pid} is another user's; run kino restart as that user"
      end

      private

      # A file that was left behind may have the number of anything by now, which such a signal would end.
      def heard?(signal, pid)
        caught = File.read("/proc/#{pid}/status")[/^SigCgt:\s*(\h+)/, 1]
        caught.nil? || caught.hex[Signal.list.fetch(signal) - 1] == 1
      rescue SystemCallError
        true # there is none, or the system doesn't tell
      end

      def refuse(pid)
        raise ConfigurationError, "restart: process #{pid}#{" (#{@pidfile})" unless @pid} is no Kino, or none that " \
                                  "serves yet: it would be ended by that"
      end

      def read
        unless @pidfile
          raise ConfigurationError, "restart: which process? Write pidfile \"tmp/pids/kino.pid\" in kino.rb, or " \
                                    "kino restart PID"
        end
        pid = File.read(@pidfile)[/\A\s*(\d+)\s*\z/, 1].to_i
        return pid if pid.positive?

        raise ConfigurationError, "restart: #{@pidfile} has no process's id; is Kino running?"
      rescue SystemCallError => error
        raise ConfigurationError, "restart: #{@pidfile} can't be read (#{error.message[/\A[^@]+/].strip}); is Kino " \
                                  "running, and this its folder?"
      end
    end
  end
end
