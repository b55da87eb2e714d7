# frozen_string_literal: true

# Apps that answer with what they were given. They hold no state, so any mode can run them.
module Probes
  # Answers with the env's strings, encodings kept. Read the answer with `Probes.read`.
  module Env
    def self.call(env)
      Probes.answer(env.select { |_, value| value.is_a?(String) })
    end
  end

  # Answers with the request's body.
  module Echo
    def self.call(env) = [200, { "content-type" => "application/octet-stream" }, [env["rack.input"].read]]
  end

  def self.answer(value) = [200, { "content-type" => "application/octet-stream" }, [Marshal.dump(value)]]

  def self.read(response)
    raise "expected an answer of a probe, got #{response.inspect}" unless response.status == 200

    Marshal.load(response.body)
  end
end
