# frozen_string_literal: true

module Kino
  class ErrorPage
    # The page for a terminal: curl, and whoever asks for nothing in particular.
    #
    # @api private
    module Text
      # Backtrace lines of each error.
      SHOWN = 30
      # What a terminal would take for an order.
      CONTROL = /[\x00-\x08\x0b-\x1f\x7f\u{80}-\u{9f}]/
      private_constant :SHOWN, :CONTROL

      class << self
        # @param facts [Facts]
        # @return [String]
        def of(facts)
          errors = facts.errors.each_with_index.map { |one, index| "#{"Caused by " if index.positive?}#{error(one)}" }
          text = ["Internal Server Error\n", *errors, "#{facts.request}\n"].join("\n")
          text.gsub(CONTROL) { |one| one.dump[1..-2] }
        end

        private

        def error(one)
          more = one.frames.size - SHOWN
          places = one.frames.first(SHOWN).map { |frame| "  #{frame.text}\n" }
          places << "  and #{more} more\n" if more.positive?
          ["#{one.name}: #{one.message}\n", *places, *excerpt(one.excerpt)].join
        end

        def excerpt(excerpt)
          return unless excerpt

          width = excerpt.lines.keys.last.to_s.size
          lines = excerpt.lines.map do |number, text|
            "  #{number == excerpt.line ? ">" : " "} #{number.to_s.rjust(width)} | #{text}".rstrip << "\n"
          end
          ["\n  #{excerpt.place}\n", *lines]
        end
      end
    end
  end
end
