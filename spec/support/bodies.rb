# frozen_string_literal: true

require_relative "eventually"

# Response bodies of each kind Rack knows, that tell what is done to them: to the channel `told`, where there is one.
# An app makes a new one for each request, or gives a copy (`dup`) of one that was made shareable.
module Bodies
  # What the channel was told so far, `close` awaited.
  def self.calls(told)
    list = []
    until list.last == :close
      list << (told.pop(timeout: Eventually::DEADLINE) || raise("nobody closed the body; it was told #{list}"))
    end
    list << told.pop until told.empty?
    list
  end

  # 8 MB in small strings that nobody else has.
  def self.small_strings(letter) = Array.new(512) { |n| "#{letter}#{n} ".ljust(16_384, letter) }

  # What every body here has.
  module Told
    def initialize(*parts, told: nil, &work)
      @parts = parts
      @work = work
      @told = told
    end

    def close = tell(:close)

    private

    def tell(call) = @told&.<<(call)
  end

  # Only `each`.
  class Each
    include Told

    def each(&block)
      tell(:each)
      @parts.each(&block)
      @work&.call(block)
    end
  end

  # `each`, and `to_ary`, which by the SPEC closes the body itself; the server's own call then does no more.
  class Listed < Each
    def to_ary
      tell(:to_ary)
      @parts
    ensure
      close
    end

    def close
      super unless @closed
      @closed = true
    end
  end

  # A header's value whose text is made late, and that does something else then.
  Late = Struct.new(:work) { def to_s = work.call }

  # `to_ary`, and closed once its parts have been handed over: by the server, not by itself.
  HandedOver = Struct.new(:to_ary, :done) { def close = done.call }

  # Only `call`.
  class Called
    include Told

    def call(stream)
      tell(:call)
      @parts.each { |part| stream.write(part) }
      @work&.call(stream)
    ensure
      stream.close
    end
  end

  # `each` and `to_path`: a server may send the file itself.
  class Filed < Each
    attr_reader :to_path

    def initialize(path, **)
      super(**)
      @to_path = path
    end

    def each
      tell(:each)
      yield File.binread(to_path)
    end
  end

  # Both `each` and `call`, which by the SPEC is an enumerable body.
  class Both < Each
    def call(_stream) = raise("called, though it has each")
  end
end
