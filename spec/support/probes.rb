# frozen_string_literal: true

# Apps that answer with what they were given. Any mode can run them.
module Probes
  # Answers with the env's strings, encodings kept. Read the answer with `Probes.read`.
  module Env
    def self.call(env)
      Probes.answer(Probes.strings(env))
    end
  end

  # Answers with the request's body.
  module Echo
    def self.call(env) = [200, { "content-type" => "application/octet-stream" }, [env["rack.input"].read]]
  end

  # Keeps the env of every request its thread is given, and answers GET /kept with the strings of all of them.
  module Keeper
    def self.call(env) = keep(env) { [200, {}, []] }

    # The block makes the other answers.
    def self.keep(env)
      kept = Thread.current[:kept] ||= []
      return Probes.answer(kept.map { |one| Probes.strings(one) }) if env["PATH_INFO"] == "/kept"

      kept << env
      yield
    end
  end

  def self.strings(env) = env.select { |_, value| value.is_a?(String) }

  def self.answer(value) = [200, { "content-type" => "application/octet-stream" }, [Marshal.dump(value)]]

  def self.read(response)
    raise "expected an answer of a probe, got #{response.inspect}" unless response.status == 200

    Marshal.load(response.body)
  end
end
