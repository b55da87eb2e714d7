# frozen_string_literal: true

module Kino
  class Configuration
    module Kinds
      # Where a log goes: the path of a file, or standard output.
      class LogTarget
        # What standard output is called; a flag says `-`.
        STDOUT_WORDS = %w[stdout -].freeze
        private_constant :STDOUT_WORDS

        # @return [String] what is allowed
        def allowed = "the path of a file, or :stdout"

        # @return [String] what a list of options calls the value
        def label = "FILE"

        # @param value [Object] a String, a Pathname, or :stdout
        # @return [String, Symbol] the absolute path, frozen; or :stdout
        # @raise [Rejected]
        def call(value)
          return :stdout if STDOUT_WORDS.include?(value.to_s)
          raise Rejected unless (value.is_a?(String) && !value.empty?) || value.respond_to?(:to_path)

          path = File.expand_path(value)
          raise Rejected, "which is a folder" if File.directory?(path)

          -path
        end
      end

      # What a line of the access log is like: one of a few names, or a template of its own.
      class LineFormat
        # The formats that have a name.
        NAMES = %i[combined common json text].freeze
        # What a template may have in it.
        FIELDS = %w[time clf_time peer remote_addr request method target path protocol host status bytes queue app total
                    request_id traceparent user_agent referer worker process cause].freeze
        # A field of a template, or a brace that is one.
        PART = /\{\{|\}\}|\{([^{}]*)\}?/
        # Another header of the request's.
        HEADER = /\Aheader:[!#$%&'*+.^_`|~0-9A-Za-z-]+\z/
        private_constant :NAMES, :FIELDS, :PART, :HEADER

        # @return [String] what is allowed
        def allowed
          "#{NAMES.map(&:inspect).join(", ")}, or a template such as \"{peer} {request} {status}\", of " \
            "#{FIELDS.join(", ")} and header:NAME"
        end

        # @return [String] what a list of options calls the value
        def label = "FORMAT"

        # @param value [Object] a Symbol or a String
        # @return [Symbol, String] frozen
        # @raise [Rejected]
        def call(value)
          word = value.to_s.delete_prefix(":")
          return word.to_sym if NAMES.include?(word.to_sym)
          raise Rejected.new(write: Nearest.to(word, NAMES)&.to_sym) unless value.is_a?(String) && value.include?("{")

          check(value)
          -value
        end

        private

        def check(template)
          template.gsub(PART) do |part|
            next if %w[{{ }}].include?(part)

            name = part.delete_prefix("{").delete_suffix("}")
            raise Rejected, "whose { has no }" unless part.end_with?("}")
            raise Rejected, "which has no field {#{name}}" unless FIELDS.include?(name) || name.match?(HEADER)
          end
        end
      end

      # What of a query is left out: all of it, nothing, or the values of some parameters.
      class QueryFilter
        # @return [String] what is allowed
        def allowed = "true, false, or names of parameters such as [\"token\", \"password\"]"

        # @return [String] what a list of options calls the value
        def label = "NAMES"

        # @param value [Object] a Boolean, names, or text with commas between them
        # @return [Boolean, Array<String>] frozen
        # @raise [Rejected]
        def call(value)
          return Flag::WORDS.fetch(value.to_s) if Flag::WORDS.key?(value.to_s)

          names = value.is_a?(String) ? value.split(",").map(&:strip) : value
          raise Rejected unless names.is_a?(Array) && names.any?

          names.map { |name| name.to_s.empty? || !(String === name || Symbol === name) ? raise(Rejected) : -name.to_s }
               .freeze
        end
      end
    end
  end
end
