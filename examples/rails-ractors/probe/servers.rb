# frozen_string_literal: true

require "etc"
require "net/http"
require "rbconfig"
require_relative "cases"

module RactorProbe
  # Kino with this folder's app, in a process of its own and those that it forks: what it answers, how many requests a
  # second, and in how much memory.
  class Servers
    KINO = File.expand_path("../../../exe/kino", __dir__)
    LIB = File.expand_path("../../../lib", __dir__)
    FOLDER = File.dirname(__dir__)
    # What is counted: JSON; and a view with a layout, a partial, a form, a session and cookies.
    TARGETS = %w[/about /].freeze
    # Seconds until a server has to listen.
    PATIENCE = 60

    class << self
      # Serves in some way, and asks.
      #
      # @param arguments [Array<String>] how
      # @param yjit [Boolean] whether Ruby compiles
      # @yieldparam server [Servers]
      # @return [Object] what the block gives; nil, with what it said, where none listened
      def serve(*arguments, yjit: false)
        server = new(arguments, yjit)
        server.url ? yield(server) : nil
      ensure
        server&.stop
      end

      # Asks a server.
      #
      # @return [Hash{String => Array}] see {Cases.answers}
      def answers(url)
        Net::HTTP.start(URI(url).host, URI(url).port, read_timeout: PATIENCE) do |http|
          Cases.answers do |_name, verb, target, headers, body|
            answer = http.send_request(verb, target, body, { "host" => "localhost:9292", **headers })
            [answer.code.to_i, answer.to_hash.to_h { |name, values| [name, values.one? ? values.first : values] },
             answer.body.to_s]
          end
        end
      end

      # @return [Boolean] whether requests can be counted
      def wrk? = ENV["PATH"].split(":").any? { |folder| File.executable?("#{folder}/wrk") }
    end

    # @return [String, nil] where it listens; nil where it doesn't
    attr_reader :url

    def initialize(arguments, yjit)
      env = { "RUBY_YJIT_ENABLE" => yjit ? "1" : "0", "SKIP_REPAIRS" => nil, "WEB_CONCURRENCY" => nil }
      @output = IO.popen([env, RbConfig.ruby, "-W:no-experimental", "-I#{LIB}", KINO, "-b", "tcp://127.0.0.1:0",
                          *arguments, { chdir: FOLDER, err: %i[child out] }])
      @url = await
      @reader = Thread.new { @output.each_line { |_| nil } }
    end

    # Has requests sent for a while.
    #
    # @return [Array(Integer, Integer)] so many a second, and microseconds of CPU each takes the server; zeros where
    #   some are not answered with success
    def rate(target, seconds)
      before = cpu
      said = IO.popen(["wrk", "-t1", "-c16", "-d#{seconds}", url + target], &:read)
      count = said[/(\d+) requests in/, 1].to_i
      return [0, 0] if count.zero? || said.include?("Non-2xx")

      [said[%r{Requests/sec: *([\d.]+)}, 1].to_f.round, ((cpu - before) * 1_000_000 / count).round]
    end

    # @return [Integer, nil] MB in all its processes, what they share counted once; nil where the system doesn't tell
    def memory
      pids = family(@output.pid).map { |pid| File.read("/proc/#{pid}/smaps_rollup")[/^Pss: +(\d+)/, 1].to_i }
      (pids.sum / 1024.0).round
    rescue SystemCallError
      nil
    end

    def stop
      Process.kill(:TERM, @output.pid)
      Thread.new { sleep(10) && Process.kill(:KILL, @output.pid) }.then { |last| @reader.join && last.kill }
    rescue Errno::ESRCH
      nil
    ensure
      @output.close
    end

    private

    def await
      last = Process.clock_gettime(Process::CLOCK_MONOTONIC) + PATIENCE
      while @output.wait_readable([last - Process.clock_gettime(Process::CLOCK_MONOTONIC), 0].max)
        line = @output.gets or return
        return Regexp.last_match(1) if line =~ %r{Listening on (http://\S+)}
      end
    end

    # Seconds, of all its processes.
    def cpu
      family(@output.pid).sum do |pid|
        File.read("/proc/#{pid}/stat").rpartition(")").last.split.values_at(11, 12).sum(&:to_i)
      end.fdiv(Etc.sysconf(Etc::SC_CLK_TCK))
    end

    def family(pid)
      children = Dir["/proc/#{pid}/task/*/children"].flat_map { |file| File.read(file).split }
      [pid, *children.flat_map { |child| family(child) }]
    end
  end
end
