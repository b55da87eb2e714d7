# frozen_string_literal: true

require_relative "note"

# The service of notes.proto: a method for each of its own. A module is shareable, and so is all that it uses; what a
# call has of its own is the {Rpc::Call}.
module Notes
  class << self
    # One note, one answer.
    def echo(call)
      note = call.message
      raise Rpc::Failure.new(:INVALID_ARGUMENT, "a note has a text") if note.text.empty?

      call.trailers["x-length"] = note.text.length.to_s
      call << note.with(text: "#{note.text}, #{call.metadata("x-name") || "stranger"}")
    end

    # One note, many answers: a hundred a second, if nobody says how many.
    def count(call)
      wanted = call.message.number
      1.step(*wanted.nonzero?) do |number|
        call << Note.new(number: number)
        sleep 0.01 if wanted.zero?
      end
    end

    # Many notes, one answer.
    def sum(call)
      numbers = call.messages.map(&:number)
      call << Note.new(text: "#{numbers.size} notes", number: numbers.sum)
    end

    # Many notes, each answered before the next is waited for.
    def chat(call)
      call.each_message { |note| call << note.with(text: note.text.upcase) }
    end
  end
end
