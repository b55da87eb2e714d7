# frozen_string_literal: true

RSpec.describe "An app that answers nonsense" do
  raising = Class.new { def each = raise("no headers today") }

  answers = shareable do
    {
      "nil" => -> { nil },
      "a String" => -> { "hello" },
      "an empty Array" => -> { [] },
      "two items" => -> { [200, {}] },
      "three of the wrong kind" => -> { [Object.new, Object.new, Object.new] },
      "a status that is no number" => -> { ["abc", {}, ["x"]] },
      "a status of nil" => -> { [nil, {}, ["x"]] },
      "a status below 100" => -> { [42, {}, ["x"]] },
      "a status above 999" => -> { [1000, {}, ["x"]] },
      "a status below zero" => -> { [-200, {}, ["x"]] },
      "no headers" => -> { [200, nil, ["x"]] },
      "headers that are no Hash" => -> { [200, Object.new, ["x"]] },
      "headers that raise" => -> { [200, raising.new, ["x"]] },
      "a header that can't be told" => -> { [200, { "x-own" => BasicObject.new }, ["x"]] },
      "no body" => -> { [200, {}, nil] },
      "a body with neither each nor call" => -> { [200, {}, Object.new] },
      "a body that is a String" => -> { [200, {}, "hello"] },
      "an Array body of what is no String" => -> { [200, {}, ["one", 2, nil]] }
    }
  end

  each_mode do
    answers.each do |what, answer|
      it "(#{what}) gets a 500, is logged, and loses no worker" do
        barrier = Barrier.new(4)
        app = shareable { ->(env) { env["PATH_INFO"] == "/barrier" ? barrier.call(env) : answer.call } }
        serve(app, lint: false, workers: 2, threads: 2) do |server, log|
          statuses = Array.new(6) { RawClient.open(server.url) { |client| client.get.status } }
          expect(statuses).to eq([500] * 6)
          expect(barrier.statuses(server.url)).to eq([200] * 4)
          log.wait_for(/Error|no headers today/)
        end
      end
    end

    it "keeps the error in its own request: those beside it on the connection are answered" do
      app = shareable { ->(env) { env["PATH_INFO"] == "/nonsense" ? nil : [200, {}, [env["PATH_INFO"]]] } }
      converse(app, lint: false) do |client, server, log|
        expect(client.get("/before").body).to eq("/before")
        expect(client.get("/nonsense").status).to eq(500)
        log.wait_for(/Error/)
        expect(RawClient.open(server.url) { |other| other.get("/after").body }).to eq("/after")
      end
    end
  end
end
