# frozen_string_literal: true

module Kino
  # The lines of a {Reader}, as `IO` finds them.
  #
  # @api private
  module Lines
    # How a line ends: after the separator, or that many bytes. `paragraph` has empty lines before and after it skipped.
    Rule = Data.define(:separator, :limit, :paragraph, :chomp)
    private_constant :Rule

    # @overload gets(separator = "\n", limit = nil, chomp: false)
    #   @param separator [String, nil] what ends a line; nil for all that is left, `""` for one or more empty lines
    #   @param limit [Integer, nil] bytes to read at most, but for the end of a character
    #   @param chomp [Boolean] whether the line comes without its separator
    # @overload gets(limit, chomp: false)
    # @return [String, nil] the next line, or what is left; nil at the end
    # @raise (see Reader#read)
    def gets(*given, chomp: false)
      rule = rule(given, chomp)
      check_open
      line(rule)
    end

    # @param (see #gets)
    # @return [String] the next line, or what is left
    # @raise (see Reader#readpartial)
    def readline(...) = gets(...) || raise(EOFError, "end of file reached")

    # @param (see #gets)
    # @return [Array<String>] all lines that are left
    # @raise (see Reader#read)
    def readlines(*given, chomp: false)
      lines = []
      lines_of(rule(given, chomp), "readlines") { |line| lines << line }
      lines
    end

    # @param (see #gets)
    # @yieldparam line [String]
    # @return [Reader, Enumerator] itself; without a block, an Enumerator of the lines
    # @raise (see Reader#read)
    def each_line(*given, chomp: false, &)
      return enum_for(:each_line, *given, chomp: chomp) unless block_given?

      lines_of(rule(given, chomp), "each_line", &)
      self
    end
    alias each each_line

    private

    def lines_of(rule, name)
      raise ArgumentError, "invalid limit: 0 for #{name}" if rule.limit&.zero?

      check_open
      while (line = line(rule))
        yield line
      end
    end

    # In a ractor of Ruby 3.3 nobody may ask what `$/` is, and nobody should change it.
    def rule(given, chomp)
      separator, limit = arguments(given)
      limit = nil if limit&.negative?
      return Rule.new("\n\n", limit, true, chomp) if separator && separator.empty?

      Rule.new(separator&.b, limit, false, chomp)
    end

    def arguments(given)
      case given
      in [] then "\n"
      in [nil] then nil
      in [only] then (separator = String.try_convert(only)) ? separator : ["\n", whole(only)]
      in [separator, limit] then [separator && string_of(separator), limit && whole(limit)]
      else raise ArgumentError, "wrong number of arguments (given #{given.size}, expected 0..2)"
      end
    end

    def line(rule)
      return text("".b) if rule.limit&.zero?

      skip_newlines if rule.paragraph
      return if at_end?

      stop, is_cut = end_of_line(rule.separator, rule.limit)
      line = take(stop)
      count_line unless is_cut
      strip(line, rule) if rule.chomp && rule.separator
      skip_newlines if rule.paragraph
      text(line)
    end

    # The first byte after the line, and whether that is the limit's doing.
    def end_of_line(separator, limit)
      searched = 0
      loop do
        found = separator && held.index(separator, searched)
        stop = found && (found + separator.bytesize)
        return stop if stop && !(limit && stop > limit)
        return end_of_character(limit), true if limit && held.bytesize >= limit

        searched = [held.bytesize - separator.bytesize + 1, 0].max if separator
        return held.bytesize unless more
      end
    end

    # Where the character ends that a limit would cut.
    def end_of_character(limit)
      return limit if external_encoding == Encoding::BINARY || front(limit)[-1].valid_encoding?

      1.upto([limit, CHARACTER].min) do |back|
        start = limit - back
        nil while held.bytesize < start + CHARACTER && more
        char = held.byteslice(start, CHARACTER).force_encoding(external_encoding)[0]
        return start + char.bytesize if char.valid_encoding? && char.bytesize > back
      end
      limit
    end

    def strip(line, rule)
      return unless line.end_with?(rule.separator)

      line.slice!(-rule.separator.bytesize..)
      line.chop! if rule.separator == "\n" && line.end_with?("\r")
    end

    def skip_newlines
      until at_end?
        newlines = held.match?(/[^\n]/n) ? held.index(/[^\n]/n) : held.bytesize
        take(newlines)
        return unless held.empty?
      end
    end

    # More bytes than a character of any encoding has.
    CHARACTER = 16
    private_constant :CHARACTER
  end

  private_constant :Lines
end
