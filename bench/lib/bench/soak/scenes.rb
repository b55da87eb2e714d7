# frozen_string_literal: true

require_relative "content"
require_relative "traffic"
require_relative "wire"

module Bench
  module Soak
    # Requests that take more than one step, a method for each kind of {Traffic::SCENES}.
    # Each raises {Wire::Wrong} or the socket's own errors when the server fails it.
    class Scenes
      PIPELINED = %i[plain echo large stream plain].freeze
      UPLOAD = ("The quick brown fox jumps over the lazy dog. " * 2276)[0, 100 * 1024].freeze

      # @param random [Random]
      def initialize(random)
        @random = random
      end

      # 100 KiB, which the server spools to disk, and back.
      def upload(wire, id)
        wire.write("#{upload_head(id)}#{UPLOAD}")
        expect(wire, id, UPLOAD)
      end

      # Chunks of any size, sent in pieces that end anywhere.
      def chunked(wire, id)
        body = UPLOAD[0, @random.rand(1..20_000)]
        bytes = "POST /echo?#{id} HTTP/1.1\r\nhost: soak\r\ntransfer-encoding: chunked\r\n\r\n#{chunks(body)}"
        cut = @random.rand(1...bytes.bytesize)
        wire.write(bytes[0, cut])
        wire.write(bytes[cut..])
        expect(wire, id, body)
      end

      # A file the server sends by its path.
      def file(wire, id)
        wire.write("GET /file?#{id} HTTP/1.1\r\nhost: soak\r\n\r\n")
        expect(wire, id, Content::FILE)
      end

      # Several requests in one write; the answers come in the same order.
      def pipelined(wire, id)
        questions = PIPELINED.each_with_index.map { |kind, index| [Traffic::QUESTIONS.fetch(kind), "#{id}.#{index}"] }
        wire.write(questions.map { |question, each_id| question.request(each_id) }.join)
        questions.each { |question, each_id| question.check(wire, each_id) }
      end

      # HTTP/1.0: no chunks, and the end of the connection is the end of the body.
      def old(wire, id)
        last(wire, id, version: "1.0")
      end

      # A client that says it leaves.
      def closing(wire, id)
        last(wire, id, headers: "connection: close\r\n")
      end

      # A client that leaves at a bad time: nobody is owed an answer, and nobody else may notice.
      def abort(wire, id)
        case @random.rand(5)
        when 0 then wire.write("GET /plain?#{id} HTTP/1.1\r\nhost: so")
        when 1 then wire.write("#{upload_head(id)}#{UPLOAD[0, 70_000]}")
        when 2 then wire.write("GET /file?#{id} HTTP/1.1\r\nhost: soak\r\n\r\n")
        when 3
          wire.write("GET /file?#{id} HTTP/1.1\r\nhost: soak\r\n\r\n")
          wire.wait
        when 4
          wire.write("GET /flood?#{id} HTTP/1.1\r\nhost: soak\r\n\r\n")
          wire.wait
        end
        @random.rand(2).zero? ? wire.drop : wire.reset
      end

      # A worker that is ended in the middle of an answer: the client must be able to tell that it isn't whole.
      def cut(wire, id)
        wire.write("GET /cut?#{id} HTTP/1.1\r\nhost: soak\r\n\r\n")
        wire.answer
        raise Wire::Wrong, "an answer that looks whole, though its worker was ended"
      rescue EOFError, Errno::ECONNRESET
        wire.drop
      end

      private

      def upload_head(id)
        "POST /echo?#{id} HTTP/1.1\r\nhost: soak\r\ncontent-length: #{UPLOAD.bytesize}\r\n\r\n"
      end

      def chunks(body)
        rest = body.dup
        coded = +""
        until rest.empty?
          piece = rest.slice!(0, @random.rand(1..8192))
          coded << format("%x", piece.bytesize) << "\r\n" << piece << "\r\n"
        end
        coded << "0\r\n\r\n"
      end

      def last(wire, id, **style)
        question = Traffic::QUESTIONS.fetch(@random.rand(2).zero? ? :plain : :stream)
        wire.write(question.request(id, **style))
        question.check(wire, id)
        raise Wire::Wrong, "the connection stays open" if wire.open?
      end

      def expect(wire, id, body)
        Traffic.verify(wire.answer, id, body)
      end
    end
  end
end
