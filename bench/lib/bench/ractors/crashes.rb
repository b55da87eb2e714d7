# frozen_string_literal: true

require_relative "../server"
require_relative "bystanders"
require_relative "plan"

module Bench
  module Ractors
    # How long a client waits for its 500 when its request ends the worker, while others are served.
    class Crashes
      # What ends a worker, and the path that does.
      WAYS = { "its thread (Thread.exit)" => "/exit", "its ractor's main thread (Thread.main.kill)" => "/kill" }.freeze
      # Seconds between two: a worker that dies within a second of its start has its successor wait, which would then be
      # measured, too.
      PAUSES = { "/exit" => 0.05, "/kill" => 0.6 }.freeze

      # @!attribute p50 [Float] milliseconds
      # @!attribute max [Float] milliseconds
      # @!attribute tries [Integer]
      # @!attribute served [Integer] requests of others meanwhile
      Sample = Data.define(:p50, :max, :tries, :served)

      # @return [Array<String>] what went wrong without ending the run
      attr_reader :faults

      # @param contender [Bench::Plan::Contender]
      # @param tries [Integer] of each way
      def initialize(contender, tries)
        @contender = contender
        @tries = tries
        @faults = []
      end

      # @return [Hash{String => Sample}] by way
      def measure
        @server = Server.start(@contender.name, &@contender.command).await
        WAYS.to_h { |way, path| [way, sample(way, path)] }
      ensure
        @server&.stop
      end

      private

      def sample(way, path)
        bystanders = Bystanders.new(@server.port).start
        times = Array.new(@tries) { crash(way, path) }.sort
        others = bystanders.stop
        others.faults.tally.each { |fault, count| @faults << "crash of #{way}: #{count} of the others: #{fault}" }
        Sample.new(p50: times[times.size / 2], max: times.last, tries: times.size, served: others.served)
      ensure
        bystanders&.stop
      end

      # @return [Float] milliseconds from the request to the end of its answer
      def crash(way, path)
        sleep PAUSES.fetch(path)
        @server.expect(Plan::PLAINTEXT.path, Plan::PLAINTEXT.body)
        began = Bench.now
        status, = @server.get(path)
        took = Bench.now - began
        @faults << "crash of #{way}: answered with #{status}" unless status == 500
        took * 1000
      rescue SystemCallError, IOError => e
        @faults << "crash of #{way}: no answer: #{e.message}"
        (Bench.now - began) * 1000
      end
    end
  end
end
