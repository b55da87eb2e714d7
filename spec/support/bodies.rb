# frozen_string_literal: true

# Response bodies of each kind Rack knows, that tell what is done to them.
module Bodies
  # What every body here has: a queue of what was called, in order.
  module Told
    attr_reader :told

    def initialize(*parts, &work)
      @parts = parts
      @work = work
      @told = Queue.new
    end

    def close = @told << :close

    # What was called so far, `close` awaited.
    def calls
      list = []
      until list.last == :close
        list << (@told.pop(timeout: 20) || raise("the body was not closed within 20 s; it was told #{list}"))
      end
      list << @told.pop until @told.empty?
      list
    end
  end

  # Only `each`.
  class Each
    include Told

    def each(&block)
      @told << :each
      @parts.each(&block)
      @work&.call(block)
    end
  end

  # `each`, and `to_ary`, which by the SPEC closes the body itself; the server's own call then does no more.
  class Listed < Each
    def to_ary
      @told << :to_ary
      @parts
    ensure
      close
    end

    def close
      super unless @closed
      @closed = true
    end
  end

  # Only `call`.
  class Called
    include Told

    def call(stream)
      @told << :call
      @parts.each { |part| stream.write(part) }
      @work&.call(stream)
    ensure
      stream.close
    end
  end

  # `each` and `to_path`: a server may send the file itself.
  class Filed < Each
    attr_reader :to_path

    def initialize(path)
      super()
      @to_path = path
    end

    def each
      @told << :each
      yield File.binread(to_path)
    end
  end

  # Both `each` and `call`, which by the SPEC is an enumerable body.
  class Both < Each
    def call(_stream) = raise("called, though it has each")
  end
end
