# frozen_string_literal: true

require "kino"

RSpec.describe Kino.const_get(:WorkerThread) do
  let(:told) { [] }
  let(:request) { double("a request") }
  let(:exchange) { Kino.const_get(:Native)::Exchange }
  let(:env) { { "kino.request" => request } }
  # What the engine gives it: one request, and what it knows of that once its answer came too late.
  let(:native) do
    given, overdue = [env], [["GET /late", 30.0]]
    double("the engine's end", enter: nil, leave: nil, ours?: true, last_request: nil).tap do |native|
      allow(native).to receive(:take) { given.shift }
      allow(native).to receive(:overdue) { overdue.shift }
    end
  end

  before { allow(exchange).to receive_messages(served?: false, hijacked?: false, env: env) }

  def serve(app)
    hook = ->(error, env) { told << [error, env] }
    failure = Kino.const_get(:Failure).new(StringIO.new, on_error: [hook])
    described_class.new(native, app, failure).serve_all
  end

  it "tells of its request that got a 504, with the env, where nobody else has" do
    allow(exchange).to receive(:answer).and_raise(Kino::ClientDisconnected, "its answer came too late")
    serve(->(_env) { [200, {}, ["x"]] })

    expect(told.map { |error, env| [error.class, error.message, error.backtrace, env] }).to eq(
      [[Kino::RequestTimeoutError, "the app has not begun to answer GET /late within 30 s (request_timeout); its " \
                                   "client got a 504", [], env]]
    )
  end

  it "asks nobody of one that was answered" do
    allow(exchange).to receive(:answer).and_return(nil)
    env.merge!("rack.response_finished" => [], "rack.after_reply" => [])
    serve(->(_env) { [200, {}, ["x"]] })

    expect(told).to be_empty
    expect(native).not_to have_received(:overdue)
  end
end
