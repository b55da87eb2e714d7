# frozen_string_literal: true

require "socket"
require_relative "../problem"

module Bench
  module Hostile
    # Many clients in one thread, which cost little, so that what is measured beside them is the server. A kind of crowd
    # says in `act` what they do, and in the constants:
    #
    # - TITLE, for the report, and OPTION, which sets how many they are
    # - COUNTER, the server's for what ends them, or nil where it has none
    # - P99, SPAWN and LOG, where they are others than these
    class Crowd
      # Milliseconds in which 99 of 100 requests of the ordinary client are answered beside them.
      P99 = 50
      # Options of Process.spawn for their server.
      SPAWN = {}.freeze
      # What their server's log is written to, see {Log}.
      LOG = :kept
      # Seconds between two looks at the clients.
      TICK = 0.02
      # Clients that connect, or are let go, between two looks: fewer than the kernel holds until they are accepted.
      BATCH = 100
      # Seconds in which each sends, or takes, its next byte.
      ROUND = 0.25
      # Seconds past the server's own timeout that the last of them may have to wait for their end.
      PATIENCE = 10

      # What became of them.
      # @!attribute ends [Hash{String => Integer}] how many of them ended in which way
      # @!attribute faults [Array<String>] what should not have been
      Outcome = Data.define(:ends, :faults)

      # @param settings [Hash{Symbol => Object}] a server's
      # @return [Hash{Symbol => Object}] those for their server
      def self.settings(settings) = settings

      # @param server [Server]
      # @param count [Integer] of clients
      # @param settings [Hash{Symbol => Object}] the server's
      def initialize(server, count, settings)
        @server = server
        @count = count
        @settings = settings
        @clients = []
        @ends = Hash.new(0)
        @faults = []
      end

      # Ends when they are gone.
      # @return [Outcome]
      def run
        act
        Outcome.new(ends: @ends.to_h, faults: @faults)
      ensure
        @clients.each(&:close)
      end

      # @return [Integer] how many of them the server has to have counted, see COUNTER
      def counted
        @count
      end

      # What is left to do when the server has been looked at, so that only what it keeps itself is left.
      def clear_up; end

      private

      # Connects all of them, and has each send its first bytes.
      # @param batch [Integer] how many at a time
      def gather(bytes, count: @count, batch: BATCH)
        count.times.each_slice(batch) do |numbers|
          numbers.each { @clients << connect.tap { |client| client.write(bytes) } }
          yield if block_given?
          sleep TICK
        end
      end

      def connect
        TCPSocket.new("127.0.0.1", @server.port)
      end

      # Yields the clients in such portions that each has had its turn when the round is over.
      # @param seconds [Numeric] rounds are made as long
      def rounds(seconds)
        until_then = Bench.now + seconds
        turns = (ROUND / TICK).ceil
        turns.times.cycle do |turn|
          break if @clients.empty? || Bench.now > until_then

          portion = (@clients.size / turns.to_f).ceil
          yield @clients[turn * portion, portion] || []
          sleep TICK
        end
      end

      # @yield something has come to a client, or its connection has ended
      def each_ready(clients = @clients)
        ready, = IO.select(clients, nil, nil, 0)
        ready&.each { |client| yield client }
      end

      # @return [String, nil] what has come; nil when the connection has ended
      def receive(client)
        client.read_nonblock(65_536)
      rescue IO::WaitReadable
        ""
      rescue EOFError, SystemCallError
        nil
      end

      # @param how [String] for the report
      def finish(client, how)
        @ends[how] += 1
        @clients.delete(client)
        client.close
      end

      def fault(text)
        @faults << "#{self.class::TITLE}: #{text}"
      end

      # @param text [String] what is wrong with those that are left
      def fault_of_the_rest(text)
        fault("#{@clients.size} of #{@count} #{text}") unless @clients.empty?
      end
    end
  end
end
