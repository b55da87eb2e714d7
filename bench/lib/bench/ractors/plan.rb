# frozen_string_literal: true

require_relative "../plan"

module Bench
  module Ractors
    # Which servers bench/ractors has take turns, and what is asked of them.
    class Plan
      APP = "bench/apps/ractors.ru"
      # Kino's own: name, mode, workers, threads.
      KINO = [["kino-threaded", "threaded", 1, 6], ["kino-ractor-2", "ractor", 2, 1],
              ["kino-ractor-8", "ractor", 8, 1]].freeze
      PUMA = "puma-cluster"
      SERVERS = [*KINO.map(&:first), PUMA].freeze

      PLAINTEXT = Bench::Plan::Endpoint.new("plaintext", "/plaintext", "Hello, World!")
      # Few connections and a long handler: the load generator needs little, and leaves the cores to the servers.
      CPU = Bench::Plan::Endpoint.new("cpu", "/cpu", "6765")
      CLOSURES = Bench::Plan::Endpoint.new("closures", "/closures", "190")
      # Connections to each, and what it is, for the report.
      LOADS = { PLAINTEXT => [32, "13 bytes"], CPU => [4, "fib(20)"], CLOSURES => [4, "20 Procs a request"] }.freeze

      # @param interpreter [Interpreter]
      # @param with_puma [Boolean] whether it can run Puma
      def initialize(interpreter, with_puma:)
        @interpreter = interpreter
        @with_puma = with_puma
      end

      # @return [Array<Bench::Plan::Group>] one a number of connections, so that each finds its servers fresh
      def groups
        LOADS.group_by { |_, (connections, _)| connections }.map do |connections, loads|
          Bench::Plan::Group.new(contenders, loads.map(&:first), connections)
        end
      end

      # @return [Array<Bench::Plan::Contender>]
      def contenders
        @contenders ||= [*KINO.map { |name, *size| kino(name, *size) }, *(puma if @with_puma)]
      end

      private

      def kino(name, mode, workers, threads)
        command = lambda do |port|
          [*@interpreter.command, "exe/kino", "-C", "-", "-b", "tcp://127.0.0.1:#{port}", "-m", mode,
           "-w", workers.to_s, "-t", threads.to_s, APP]
        end
        Bench::Plan::Contender.new(name, "#{workers}x#{threads}", command, nil)
      end

      def puma
        command = lambda do |port|
          [*@interpreter.puma_command, "-C", "-", "-b", "tcp://127.0.0.1:#{port}", "-w", "2", "--preload",
           "-t", "3:3", APP]
        end
        Bench::Plan::Contender.new(PUMA, "2x3", command, nil)
      end
    end
  end
end
