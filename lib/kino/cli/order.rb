# frozen_string_literal: true

require_relative "../errors"

module Kino
  class CLI
    # Tells a server that runs what to do, by a signal.
    #
    # @api private
    class Order
      # What is sent for each, and what is said then.
      SIGNALS = {
        restart: ["USR1", "restart; it says how that goes"],
        restart_full: ["USR2", "start another server in its place; it says how that goes"],
        stop: ["TERM", "stop; it finishes the requests that run"],
        reload: ["HUP", "read its settings again; it says how that goes"]
      }.freeze
      private_constant :SIGNALS

      # @param what [Symbol] `:restart`, `:stop` or `:reload`
      # @param pid [Integer, nil] the server's process, where it is named
      # @param pidfile [String, nil] the file that has it otherwise
      def initialize(what, pid, pidfile)
        @what = what
        @pid = pid
        @pidfile = pidfile
      end

      # Tells it.
      #
      # @param full [Boolean] whether another server is to take its place, of `restart`
      # @return [String] what was done
      # @raise [ConfigurationError] when there is none, or it isn't this user's
      def give(full: false)
        pid = @pid || read
        signal, said = SIGNALS.fetch(full ? :restart_full : @what)
        refuse(pid) unless heard?(signal, pid)
        refuse_reload(pid) if @what == :reload
        Process.kill(signal, pid)
        "Asked process #{pid} to #{said}"
      rescue Errno::ESRCH, RangeError
        raise ConfigurationError, "#{@what}: there is no process #{pid}#{" (#{@pidfile})" unless @pid}; is Kino " \
                                  "running?"
      rescue Errno::EPERM
        raise ConfigurationError, "#{@what}: process #{pid} is another user's; run kino #{@what} as that user"
      end

      private

      # A file that was left behind may have the number of anything by now, which such a signal would end, or mean
      # something else to.
      def heard?(signal, pid)
        caught = File.read("/proc/#{pid}/status")[/^SigCgt:\s*(\h+)/, 1]
        caught.nil? || (caught.hex[Signal.list.fetch(signal) - 1] == 1 && kino?(pid))
      rescue SystemCallError
        true # there is none, or the system doesn't tell
      end

      # By how it was started, or what it has loaded: `rackup` says nothing of Kino.
      def kino?(pid)
        File.binread("/proc/#{pid}/cmdline").include?("kino") || File.binread("/proc/#{pid}/maps").include?("/kino.so")
      end

      def refuse(pid)
        raise ConfigurationError, "#{@what}: process #{pid}#{" (#{@pidfile})" unless @pid} is no Kino, or none that " \
                                  "serves yet: it would be ended by that"
      end

      # To one process alone, and to one with a terminal, that signal is a wish to stop.
      def refuse_reload(pid)
        title = File.binread("/proc/#{pid}/cmdline").delete("\0")
        terminal = File.read("/proc/#{pid}/stat")[/\) \S \d+ \d+ \d+ (-?\d+)/, 1]
        return if title.start_with?("kino: parent") && terminal == "0"

        reason = title.start_with?("kino: parent") ? "has a terminal" : "is one process alone"
        raise ConfigurationError, "reload: process #{pid} #{reason}, and would be stopped by that signal; " \
                                  "write kino restart#{", or control \"unix:///run/kino.sock\" in kino.rb" if @pidfile}"
      rescue SystemCallError
        nil
      end

      def read
        unless @pidfile
          raise ConfigurationError, "#{@what}: which process? Write pidfile \"tmp/pids/kino.pid\" in kino.rb, or " \
                                    "kino #{@what} PID"
        end
        pid = File.read(@pidfile)[/\A\s*(\d+)\s*\z/, 1].to_i
        return pid if pid.positive?

        raise ConfigurationError, "#{@what}: #{@pidfile} has no process's id; is Kino running?"
      rescue SystemCallError => error
        raise ConfigurationError, "#{@what}: #{@pidfile} can't be read (#{error.message[/\A[^@]+/].strip}); is Kino " \
                                  "running, and this its folder?"
      end
    end
  end
end
