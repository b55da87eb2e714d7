# frozen_string_literal: true

require_relative "content"
require_relative "wire"

module Bench
  module Soak
    # The kinds of requests, how often each is made, and what its answer must be.
    module Traffic
      # A request that is asked in one piece and answered in one that fits the socket, so that one client can have many
      # waiting at a time.
      # @!attribute weight [Integer] how often, of all weights
      # @!attribute verb [String]
      # @!attribute path [String]
      # @!attribute sent [Proc, nil] from an id to a request body
      # @!attribute status [Integer] 200 where the app answers
      # @!attribute body [Proc, nil] from an id to the body that must come; nil where the server answers for the app
      Question = Data.define(:weight, :verb, :path, :sent, :status, :body) do
        # @return [String] bytes
        def request(id, version: "1.1", headers: "")
          body = sent&.call(id)
          length = "content-length: #{body.bytesize}\r\n" if body
          "#{verb} #{path}?#{id} HTTP/#{version}\r\nhost: soak\r\n#{length}#{headers}\r\n#{body}"
        end

        # @raise [Wire::Wrong] when the next answer isn't the right one
        def check(wire, id)
          answer = wire.answer(head: verb == "HEAD")
          return Traffic.verify(answer, id, body.call(id)) if body

          answer.expect_status(status)
        end
      end

      def self.get(weight, path, status: 200, verb: "GET", &body)
        Question.new(weight, verb, path, nil, status, body)
      end
      private_class_method :get

      # @raise [Wire::Wrong] unless the app has answered this very request, with this body
      def self.verify(answer, id, body)
        answer.expect_status(200)
        raise Wire::Wrong, "the answer to #{answer.headers["x-id"].inspect}" unless answer.headers["x-id"] == id
        return if answer.body == body

        raise Wire::Wrong, "#{answer.body.bytesize} of #{body.bytesize} bytes: #{answer.body[0, 60].inspect}..."
      end

      small = ->(id) { "small upload of #{id}" }
      QUESTIONS = {
        plain: get(400, "/plain") { Content::HELLO },
        large: get(100, "/large") { Content::LARGE },
        head: get(20, "/plain", verb: "HEAD") { "" },
        stream: get(80, "/stream") { |id| Content.pieces(id).join },
        sleep: get(30, "/sleep") { Content::HELLO },
        error: get(5, "/error", status: 500),
        echo: Question.new(120, "POST", "/echo", small, 200, small),
        exit: get(0, "/exit", status: 500),
        kill: get(0, "/kill", status: 500)
      }.freeze

      # How often the kinds come that take more than one step: see {Scenes}.
      SCENES = { upload: 20, chunked: 40, file: 40, abort: 20, pipelined: 20, old: 30, closing: 30 }.freeze

      # How often each kind comes that ends its worker, where that is asked for: its thread, the main thread of its
      # ractor, its thread in the middle of an answer.
      CRASHES = { exit: 1, kill: 1, cut: 1 }.freeze

      # How often clients leave at a bad time where that is asked for.
      MANY_ABORTS = 100

      # @param crashes [Boolean] whether some requests end their worker
      # @param aborts [Boolean] whether many clients leave at a bad time, instead of some
      # @return [Array<Symbol>] every kind as often as its weight
      def self.deck(crashes:, aborts:)
        weights = QUESTIONS.transform_values(&:weight).merge(SCENES)
        weights.merge!(CRASHES) if crashes
        weights[:abort] = MANY_ABORTS if aborts
        weights.flat_map { |kind, weight| [kind] * weight }
      end
    end
  end
end
