# frozen_string_literal: true

require "socket"
require "tempfile"
require_relative "problem"
require_relative "process_tree"

module Bench
  # A server process on a free loopback port, from its start to its end.
  class Server
    # How long a server may take to answer its first request, and to end, in seconds.
    BOOT = 60
    STOP = 15

    # Nothing of the caller's own settings may decide what is measured.
    ENVIRONMENT = {
      "RACK_ENV" => "production", "RAILS_ENV" => "production", "BUNDLE_GEMFILE" => File.join(ROOT, "Gemfile"),
      "PORT" => nil, "WEB_CONCURRENCY" => nil, "RAILS_MAX_THREADS" => nil, "PUMA_MAX_THREADS" => nil
    }.freeze

    attr_reader :name, :port, :tree

    # Starts a server; {#await} tells when it is up.
    # @param name [String]
    # @param options [Hash{Symbol => Object}] `ready:`, and those of Process.spawn
    # @yieldparam port [Integer] a free one
    # @yieldreturn [Array<String>] the command line
    # @return [Server]
    def self.start(name, **options)
      probe = TCPServer.new("127.0.0.1", 0)
      port = probe.addr[1]
      probe.close
      new(name, port, yield(port), **options)
    end

    # @param name [String]
    # @param port [Integer]
    # @param command [Array<String>]
    # @param ready [String] what it is asked for until it answers; any answer will do
    # @param options [Hash{Symbol => Object}] of Process.spawn
    def initialize(name, port, command, ready: "/", **options)
      @name = name
      @port = port
      @ready = ready
      @log = Tempfile.new("bench-#{name}")
      # A group of its own: Ctrl-C in the terminal is for the benchmark, which then ends the server.
      streams = { out: [@log.path, "a"], err: [@log.path, "a"], **options }
      @pid = Process.spawn(ENVIRONMENT, *command, chdir: ROOT, pgroup: true, in: File::NULL, **streams)
      @tree = ProcessTree.new(@pid)
    rescue Errno::ENOENT
      raise Problem, "#{command.first} is missing, which #{name} is started with"
    end

    # Waits until it answers.
    # @param path [String] any path; any answer will do
    def await(path = @ready)
      deadline = Bench.now + BOOT
      until answers?(path)
        raise Problem, "#{name} ended while it booted:\n#{log_end}" if ended?
        raise Problem, "#{name} did not answer within #{BOOT} s:\n#{log_end}" if Bench.now > deadline

        sleep 0.05
      end
      self
    end

    # One request on a connection of its own.
    # @return [Array(Integer, String)] status and body
    def get(path)
      connect do |socket|
        socket.write("GET #{path} HTTP/1.1\r\nhost: 127.0.0.1:#{port}\r\nconnection: close\r\n\r\n")
        head, body = socket.read.split("\r\n\r\n", 2)
        [head.to_s[/\AHTTP\/1\.\d (\d{3})/, 1].to_i, body.to_s]
      end
    end

    # A wrong answer can be a fast one.
    # @param wanted [String, Regexp]
    # @raise [Problem] when it answers with anything else
    def expect(path, wanted)
      status, body = get(path)
      return if status == 200 && wanted === body

      raise Problem, "#{name} answers #{path} with #{status} and #{body[0, 100].inspect}:\n#{log_end}"
    end

    # @return [String]
    def url(path)
      "http://127.0.0.1:#{port}#{path}"
    end

    # @return [Boolean]
    def ended?
      @ended ||= !Process.wait(@pid, Process::WNOHANG).nil?.tap { |running| @status = $? unless running }
    end

    # @return [Boolean] whether it has ended with status 0
    def ended_well?
      ended? && @status.success?
    end

    # @param name [String]
    def signal(name)
      Process.kill(name, @pid)
    rescue Errno::ESRCH
      nil # it ended on its own
    end

    # Asks it to stop, and ends it, and whatever it started, when it doesn't. Safe to call twice.
    # @return [Boolean] whether it stopped when asked
    def stop
      return true if ended?

      family = tree.pids
      signal("TERM")
      deadline = Bench.now + STOP
      sleep 0.02 until ended? || Bench.now > deadline
      family.each { |pid| kill(pid) } unless ended?
      Process.wait(@pid) unless ended?
      Bench.now <= deadline
    ensure
      @ended = true
      @log.close!
    end

    # @return [String] the last lines it wrote
    def log_end
      File.readlines(@log.path).last(20).join
    end

    private

    # @yieldparam socket [IO]
    def connect
      Socket.tcp("127.0.0.1", port, connect_timeout: 5) do |socket|
        socket.timeout = 10
        yield socket
      end
    end

    def answers?(path)
      get(path).first.positive?
    rescue SystemCallError, IOError
      false
    end

    def kill(pid)
      Process.kill("KILL", pid)
    rescue Errno::ESRCH
      nil # it ended on its own
    end
  end
end
