# frozen_string_literal: true

require_relative "../problem"
require_relative "scenes"
require_relative "traffic"
require_relative "wire"

module Bench
  module Soak
    # One client process's work: many connections, one thread. It asks something on every connection, then reads every
    # answer, and so keeps the server busy on all of them without waiting for any alone.
    class Client
      CONNECTIONS = 8
      # Progress is told after so many requests, and after so many seconds.
      STRIDE = 500
      OFTEN = 2
      # A server that answers this badly need not be asked to the end.
      TOO_MANY = 200

      # @!attribute counts [Hash{Symbol => Integer}] requests of each kind
      # @!attribute wrong [Integer] answers that were not what was asked for
      # @!attribute lost [Integer] requests without a whole answer
      # @!attribute failed [Integer] requests answered with 500 since a neighbour's crash ended them
      # @!attribute closed [Integer] requests whose connection was closed for that
      # @!attribute messages [Array<String>] the first few that were wrong or lost
      Tally = Struct.new(:counts, :wrong, :lost, :failed, :closed, :messages)

      # @param number [Integer] of this client
      # @param port [Integer] the server's
      # @param seed [Integer] the same seed asks the same questions
      # @param deck [Array<Symbol>] kinds of requests, each as often as it is to come
      # @param neighbours [Boolean] whether another's crash may end a request, as it does in the same ractor
      def initialize(number, port:, seed:, deck:, neighbours:)
        @number = number
        @random = Random.new(seed + number)
        @deck = deck
        @neighbours = neighbours
        @scenes = Scenes.new(@random)
        @wires = Array.new(CONNECTIONS) { Wire.new(port) }
        @tally = Tally.new(Hash.new(0), 0, 0, 0, 0, [])
        @sequence = 0
      end

      # @param over [#call] told the requests made so far, says whether they are enough
      # @yieldparam count [Integer] requests made since the last time
      # @return [Tally]
      def run(over)
        told = 0
        said = Bench.now
        until over.call(done = @tally.counts.values.sum) || @tally.wrong + @tally.lost >= TOO_MANY
          turn
          next if done - told < STRIDE && Bench.now - said < OFTEN

          yield done - told
          told = done
          said = Bench.now
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
        kind = @deck.sample(random: @random)
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
      rescue Wire::Failed => e
        @neighbours ? spare(wire, :failed) : wrong(wire, kind, id, e)
      rescue Wire::Wrong => e
        wrong(wire, kind, id, e)
      rescue IO::TimeoutError => e
        lost(wire, kind, id, e)
      rescue SystemCallError, IOError => e
        @neighbours && !e.is_a?(Errno::ECONNREFUSED) ? spare(wire, :closed) : lost(wire, kind, id, e)
      end

      def spare(wire, how)
        @tally[how] += 1
        wire.drop
      end

      def wrong(wire, kind, id, error)
        @tally.wrong += 1
        note(wire, "#{kind} #{id}: wrong answer: #{error.message}")
      end

      def lost(wire, kind, id, error)
        @tally.lost += 1
        note(wire, "#{kind} #{id}: no answer: #{error.class}: #{error.message}")
      end

      def note(wire, message)
        @tally.messages << message if @tally.messages.size < 10
        wire.drop
      end
    end
  end
end
