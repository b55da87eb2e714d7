# frozen_string_literal: true

require_relative "../server"
require_relative "crowd"
require_relative "plan"

module Bench
  module Processes
    # Whether several processes share the work as those do that take it from one queue: the same clients, the same
    # number of threads, the same cores.
    module Evenness
      CLIENTS = 64
      REQUESTS = 20
      # Whether clients keep their connections.
      WAYS = { "even-kept" => true, "even-new" => false }.freeze

      # @!attribute busiest [Float] how much of its share the process did that did most; 1 is as much as all others
      # @!attribute p50 [Float] milliseconds
      # @!attribute p99 [Float] milliseconds
      Sample = Data.define(:busiest, :p50, :p99)

      module_function

      # @param contender [Bench::Plan::Contender]
      # @return [Hash{String => Sample}] by way
      def measure(contender)
        server = Server.start(contender.name, &contender.command).await
        sleep 1 # all processes are there
        processes = contender.size.to_i
        WAYS.to_h do |way, keeps|
          ask(server, keeps, 2) # what is done once is done
          [way, sample(ask(server, keeps, REQUESTS), processes)]
        end
      ensure
        server&.stop
      end

      def ask(server, keeps, requests)
        left = Array.new(CLIENTS, requests)
        answers = []
        Crowd.new(server.port, "/busy", keeps: keeps).run(Array.new(CLIENTS)) do |answer|
          answers << answer
          (left[answer.client] -= 1).positive?
        end
        answers
      end

      def sample(answers, processes)
        times = answers.map(&:ms).sort
        busiest = answers.map(&:pid).tally.values.max * processes / answers.size.to_f
        Sample.new(busiest: busiest, p50: times[times.size / 2], p99: times[times.size * 99 / 100])
      end
      private_class_method :ask, :sample
    end
  end
end
