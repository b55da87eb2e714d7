# frozen_string_literal: true

module Kino
  class ErrorPage
    # The page for programs: who asks for JSON has all of it in JSON.
    #
    # @api private
    module Json
      class << self
        # @param facts [Facts]
        # @return [String]
        def of(facts)
          write("status" => 500, "error" => "Internal Server Error", "exception" => error(*facts.errors),
                "request" => facts.request, "env" => facts.env) << "\n"
        end

        private

        def error(one, *causes)
          excerpt = one.excerpt
          source = { "place" => excerpt.place, "line" => excerpt.line,
                     "lines" => excerpt.lines.transform_keys(&:to_s) } if excerpt
          { "class" => one.name, "message" => one.message, "backtrace" => one.frames.map(&:text), "source" => source,
            "cause" => (error(*causes) unless causes.empty?) }
        end

        def write(value)
          case value
          when Hash then "{#{value.map { |name, one| "#{Native.json(name)}:#{write(one)}" }.join(",")}}"
          when Array then "[#{value.map { |one| write(one) }.join(",")}]"
          when nil then "null"
          when Integer then value.to_s
          else Native.json(value)
          end
        end
      end
    end
  end
end
