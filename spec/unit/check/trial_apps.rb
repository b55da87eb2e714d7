# frozen_string_literal: true

# Apps that can be shared. Each does something of its own when it is called.
module TrialApps
  # Says through an error that its body was read and closed.
  module Streams
    class Body
      def each
        yield "part"
        @read = true
      end

      def close
        raise "not read" unless @read

        raise ArgumentError, "closed"
      end
    end

    def self.call(_env) = [200, {}, Body.new]
  end

  module Callable
    def self.call(_env) = [201, {}, Writer.new]

    class Writer
      def call(stream)
        stream << "part"
        stream.write("part")
        stream.close
      end
    end
  end

  module Mirror
    def self.call(env)
      raise "not as Rack wants it" unless env.values_at("rack.url_scheme", "SCRIPT_NAME") == ["http", ""]

      env["rack.errors"].flush
      env["PATH_INFO"] << "/changed"
      [env["rack.input"].read.empty? && env["REQUEST_METHOD"] == "PUT" ? Integer(env["QUERY_STRING"]) : 400, {}, []]
    end
  end

  module Raises
    def self.call(_env) = deeper
    def self.deeper = raise(IndexError, "on purpose")
  end

  module Speechless
    class Error < StandardError
      def message = raise("never")
    end

    def self.call(_env) = raise(Error)
  end

  module Throws
    def self.call(_env) = throw(:nothing_catches_this)
  end

  module Exits
    def self.call(_env) = Thread.exit
  end

  # Answers nothing until the pipe it is told of is closed.
  module Waits
    def self.call(env) = IO.for_fd(Integer(env["QUERY_STRING"]), autoclose: false).read
  end

  module Fails
    def self.call(_env) = [503, {}, []]
  end

  module Nonsense
    def self.call(_env) = "nonsense"
  end

  module Library
    def self.call(_env) = Integer("x")
  end
end
