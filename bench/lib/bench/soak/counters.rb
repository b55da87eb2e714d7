# frozen_string_literal: true

require "json"
require "tmpdir"
require_relative "../problem"

module Bench
  module Soak
    # The counters of the server that {Host} runs, asked for from outside.
    class Counters
      # Seconds to wait for an answer, and for the last connections to be closed.
      PATIENCE = 30

      # Makes a folder for the file as long as the block runs.
      # @yieldparam path [String]
      def self.file
        Dir.mktmpdir("soak") { |folder| yield File.join(folder, "counters.json") }
      end

      # @param server [Server]
      # @param path [String] where {Host} was told to write them
      def initialize(server, path)
        @server = server
        @path = path
      end

      # @return [Hash{Symbol => Integer}] once all connections are closed, or PATIENCE is over
      def final
        until_then = Bench.now + PATIENCE
        loop do
          counters = read
          return counters if counters.values_at(:connections, :running).sum.zero? || Bench.now > until_then

          sleep 0.1
        end
      end

      private

      def read
        File.delete(@path) if File.exist?(@path)
        @server.signal("USR1")
        until_then = Bench.now + PATIENCE
        until File.exist?(@path)
          if Bench.now > until_then || @server.ended?
            raise Problem, "the server doesn't tell its counters:\n#{@server.log_end}"
          end

          sleep 0.02
        end
        JSON.parse(File.read(@path), symbolize_names: true)
      end
    end
  end
end
