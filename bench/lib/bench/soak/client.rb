# frozen_string_literal: true

require_relative "scenes"
require_relative "traffic"
require_relative "wire"

module Bench
  module Soak
    # One client process's work: many connections, one thread. It asks something on every connection, then reads every
    # answer, and so keeps the server busy on all of them without waiting for any alone.
    class Client
      CONNECTIONS = 8
      # Progress is told after so many requests.
      STRIDE = 500
      # A server that answers this badly need not be asked to the end.
      TOO_MANY = 200

      # @!attribute counts [Hash{Symbol => Integer}] requests of each kind
      # @!attribute wrong [Integer] answers that were not what was asked for
      # @!attribute lost [Integer] requests without a whole answer
      # @!attribute messages [Array<String>] the first few of both
      Tally = Struct.new(:counts, :wrong, :lost, :messages)

      # @param number [Integer] of this client
      # @param port [Integer] the server's
      # @param seed [Integer] the same seed asks the same questions
      def initialize(number, port, seed)
        @number = number
        @random = Random.new(seed + number)
        @scenes = Scenes.new(@random)
        @wires = Array.new(CONNECTIONS) { Wire.new(port) }
        @tally = Tally.new(Hash.new(0), 0, 0, [])
        @sequence = 0
      end

      # @param share [Integer] requests to make, at least
      # @yieldparam count [Integer] requests made since the last time
      # @return [Tally]
      def run(share)
        told = 0
        while (done = @tally.counts.values.sum) < share && @tally.wrong + @tally.lost < TOO_MANY
          turn
          next if done - told < STRIDE

          yield done - told
          told = done
        end
        yield done - told
        @wires.each(&:drop)
        @tally
      end

      private

      def turn
        asked = @wires.map { |wire| ask(wire) }
        @wires.zip(asked) { |wire, (kind, id)| finish(wire, kind, id) if kind }
      end

      # Sends what fits one write; the rest has its turn in `finish`.
      # @return [Array(Symbol, String), nil] kind and id; nil when it failed already
      def ask(wire)
        kind = Traffic::DECK.sample(random: @random)
        id = "#{@number}-#{@sequence += 1}"
        @tally.counts[kind] += kind == :pipelined ? Scenes::PIPELINED.size : 1
        question = Traffic::QUESTIONS[kind]
        attempt(wire, kind, id) { wire.write(question.request(id)) } if question
        [kind, id] if question.nil? || wire.open?
      end

      def finish(wire, kind, id)
        question = Traffic::QUESTIONS[kind]
        attempt(wire, kind, id) { question ? question.check(wire, id) : @scenes.public_send(kind, wire, id) }
      end

      # After a failure nothing that comes on the connection can be trusted.
      def attempt(wire, kind, id)
        yield
      rescue Wire::Wrong => e
        @tally.wrong += 1
        note(wire, "#{kind} #{id}: wrong answer: #{e.message}")
      rescue SystemCallError, IOError => e
        @tally.lost += 1
        note(wire, "#{kind} #{id}: no answer: #{e.class}: #{e.message}")
      end

      def note(wire, message)
        @tally.messages << message if @tally.messages.size < 10
        wire.drop
      end
    end
  end
end
