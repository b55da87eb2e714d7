# frozen_string_literal: true

require "fileutils"
require "json"
require "open3"
require "tmpdir"
require_relative "problem"

module Bench
  # How each server is started, and whether it can be.
  module Commands
    module_function

    # @param address [String] another way to listen on that port
    # @return [Array<String>] Kino, one process
    def kino(port, app, threads:, address: "tcp://127.0.0.1:#{port}")
      need_kino
      ["bundle", "exec", "exe/kino", "-b", address, "-m", "threaded", "-w", "1", "-t", threads.to_s, app]
    end

    # @return [Array<String>] what has Kino count for its control socket, and log each request to a file that is gone
    #   when the benchmark is over
    def watching(port)
      log = File.join(Dir.tmpdir, "kino-bench-#{Process.pid}-#{port}.log")
      at_exit { FileUtils.rm_f(log) }
      ["--control", "unix://@kino-bench-#{Process.pid}-#{port}", "--access-log", log, "--access-log-format", "json"]
    end

    # @return [Array<String>] Puma, without a configuration file; workers 0 is one process
    def puma(port, app, threads:, workers: 0, address: "tcp://127.0.0.1:#{port}")
      size = workers.zero? ? [] : ["-w", workers.to_s, "--preload"]
      ["bundle", "exec", "puma", "-C", "-", "-b", address, *size, "-t", "#{threads}:#{threads}", app]
    end

    # @return [Array<String>] the core without Ruby, answering every request with the same bytes
    def ceiling(port)
      [ceiling_program, "127.0.0.1:#{port}"]
    end

    def need_kino
      return unless Dir.glob(File.join(ROOT, "lib/kino/kino.{so,bundle}")).empty?

      raise Problem, "Kino isn't compiled: run `bundle exec rake compile`, or leave it out with --servers"
    end

    # Built once, and run as it is, so that cargo's own process isn't counted.
    def ceiling_program
      @ceiling_program ||= build_ceiling
    end

    def build_ceiling
      unless Bench.program?("cargo")
        raise Problem, "cargo is missing: install Rust, or leave the ceiling out with --servers"
      end

      Bench.say "Building the ceiling (cargo, release profile)"
      built, errors, status = Open3.capture3("cargo", "build", "--release", "--locked", "-p", "kino-core", "--example",
                                             "ceiling", "--message-format=json", chdir: ROOT)
      raise Problem, "the ceiling doesn't build:\n#{errors}" unless status.success?

      built.lines.filter_map { |line| JSON.parse(line)["executable"] }.last
    end
    private_class_method :need_kino, :ceiling_program, :build_ceiling
  end
end
