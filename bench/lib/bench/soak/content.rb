# frozen_string_literal: true

module Bench
  module Soak
    # What bench/apps/soak.ru answers and its clients expect.
    module Content
      HELLO = "Hello, World!"
      LARGE = ("0123456789" * 1024).freeze
      # More than a socket takes at once, and not a multiple of any buffer's size.
      FILE = Array.new(30_000) { |number| format("%09d\n", number) }.join.freeze

      # @param id [String] of the request
      # @return [Array<String>] the pieces of a streamed body
      def self.pieces(id)
        Array.new(20) { |number| "piece #{number} of #{id}\n" }
      end
    end
  end
end
