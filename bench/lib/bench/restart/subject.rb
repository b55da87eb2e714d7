# frozen_string_literal: true

require "tempfile"
require_relative "../server"

module Bench
  module Restart
    # The server that is restarted, and that goes by another process id after some of it. It has a session of its own:
    # HUP from a terminal would be another wish.
    class Subject
      # Seconds that a restart may take.
      PATIENCE = 120
      # What it logs when it is done.
      DONE = { "USR1" => /^Restarted/, "HUP" => /^Reloaded/ }.freeze
      # What it logs when it is not to be.
      GIVEN_UP = /(?:is given up|can't be read again).*/

      # @return [Integer]
      attr_reader :port

      # @param command [Array<String>] a command line for the Ruby that serves, to which Kino's is added
      # @param app [String] a rackup file
      # @param processes [Integer]
      # @param threads [Integer]
      # @param settings [String] lines of a kino.rb
      def initialize(command, app, processes:, threads:, settings: "")
        @settings = Tempfile.new(["restart", ".rb"])
        @pidfile = "#{@settings.path}.pid"
        @log = Tempfile.new("restart-log")
        @settings.write("pidfile #{@pidfile.dump}\n", settings)
        @settings.flush
        @command = [*command, "exe/kino", "-C", @settings.path, "-t", threads.to_s, "--processes", processes.to_s, app]
      end

      # Starts it, and waits until it answers.
      # @return [self]
      def start
        streams = { out: [@log.path, "a"], err: [@log.path, "a"], pgroup: nil }
        @server = Server.start("kino", **streams) do |port|
          @port = port
          ["setsid", *@command, "-b", "tcp://127.0.0.1:#{port}"]
        end
        @server.await
        self
      end

      # One request on a connection of its own.
      # @return [Array(Integer, String)] status and body
      def get(path) = @server.get(path)

      # @return [Integer] its process id, as it has changed
      def pid = File.read(@pidfile).to_i

      # Has it restarted, and waits until that is done.
      # @param signal [String] "USR1", "USR2" or "HUP"
      # @return [Float] seconds that it took
      # @raise [Problem] when it was given up, or took too long
      def restart(signal)
        seen = File.size(@log.path)
        before = pid
        began = Bench.now
        Process.kill(signal, before)
        until signal == "USR2" ? gone?(before) : said?(DONE.fetch(signal), seen)
          fail_with(seen) if Bench.now - began > PATIENCE || said?(GIVEN_UP, seen)
          sleep 0.01
        end
        Bench.now - began
      end

      # Ends it, whoever it is by then.
      # @return [void]
      def stop
        return unless @server

        current = File.exist?(@pidfile) ? pid : nil
        @server.stop
        return unless current && alive?(current)

        family = ProcessTree.new(current).pids
        signal(current, "TERM")
        deadline = Bench.now + Server::STOP
        sleep 0.02 while alive?(current) && Bench.now < deadline
        family.each { |pid| signal(pid, "KILL") } if alive?(current)
      ensure
        [@settings, @log].each(&:close!)
      end

      private

      def said?(what, seen) = File.read(@log.path, nil, seen).to_s.match?(what)

      # The first one is this process's child: it stays, but serves no more. The others are nobody's here to wait for.
      def gone?(pid)
        File.read("/proc/#{pid}/cmdline").start_with?("kino: relay")
      rescue SystemCallError
        true
      end

      def alive?(pid)
        Process.kill(0, pid)
        true
      rescue Errno::ESRCH
        false
      end

      def signal(pid, name)
        Process.kill(name, pid)
      rescue Errno::ESRCH
        nil # it ended on its own
      end

      def fail_with(seen)
        raise Problem, "a restart came to nothing:\n#{File.read(@log.path, nil, seen)}"
      end
    end
  end
end
