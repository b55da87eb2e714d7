# frozen_string_literal: true

RSpec.describe "examples/ractor-hello" do
  { "ractor" => ["kino 1", "kino 2"], "threaded" => %w[main] }.each do |mode, ractors|
    context "in #{mode} mode" do
      before(:context) { @server = Example.start("ractor-hello", "-m", mode, "-w", "2", "-t", "2") }
      after(:context) { @server.kill }

      # Any of them.
      let(:names) { Regexp.union(ractors) }

      def visit(&block) = RawClient.open(@server.url, &block)

      def fib(client, number) = JSON.parse(client.get("/fib/#{number}").body)

      it "answers as its README says" do
        visit do |client|
          expect(client.get("/").body).to match(/\AHello from the ractor #{names}\n\z/)
          expect(fib(client, 25)).to include("n" => 25, "fib" => 75_025).and include("ractor" => /\A#{names}\z/)
          expect(client.post("/sum", "[1, 2, 3.5]").body).to eq('{"sum":6.5}')
          expect(client.request("HEAD", "/").body).to eq("")
          expect(client.get("/elsewhere").status).to eq(404)
        end
      end

      it "answers 400 to what it can't use" do
        visit do |client|
          expect(%w[/fib/31 /fib/-1 /fib/many].map { |path| client.get(path).status }).to eq([400, 400, 400])
          expect(["", "{", "{}", '["a"]'].map { |body| client.post("/sum", body).status }).to eq([400, 400, 400, 400])
        end
      end

      it "answers everyone at once, and counts visits in each ractor without losing one" do
        answers = concurrently(8) do |number|
          visit do |client|
            Array.new(25) do |round|
              numbers = Array.new(number + 1) { |offset| offset + round }
              [fib(client, number + 10)["fib"], client.post("/sum", numbers.to_s).body == { sum: numbers.sum }.to_json,
               JSON.parse(client.get("/visits").body)]
            end
          end
        end

        expect(answers.map { |rounds| rounds.map(&:first).uniq }).to eq([[55], [89], [144], [233], [377], [610], [987],
                                                                         [1597]])
        expect(answers.flatten(1).map { |answer| answer[1] }.uniq).to eq([true])
        visits = answers.flatten(1).map(&:last).group_by { |visit| visit["ractor"] }
        expect(visits.keys - ractors).to eq([])
        visits.each_value { |own| expect(own.map { |visit| visit["visits"] }).to match_array(1..own.size) }
      end

      it "has every worker at work" do
        seen = []
        eventually("#{ractors.join(" and ")} have answered") do
          seen |= concurrently(4) { visit { |client| fib(client, 22)["ractor"] } }
          seen.sort == ractors
        end
      end
    end

    it "boots each worker, ends with exit status 0 in #{mode} mode, and has nothing to complain about" do
      server = Example.start("ractor-hello", "-m", mode, "-w", "2")
      expect(server.get("/visits").status).to eq(200)
      booted = [0, 1].map { |worker| server.wait_for(/^Worker #{worker} serves in the ractor (.+)$/)[1] }
      expect(booted).to eq([ractors.first, ractors.last])
      expect([server.signal(:TERM).status, Example.complaints(server)]).to eq([0, ""])
    ensure
      server&.kill
    end
  end

  it "is what `kino --check` says yes to" do
    %w[/ /fib/20 /visits /elsewhere].each do |path|
      status, report = Example.check("ractor-hello", "--request", "GET #{path}")
      expect(report).to include(ractor: true, findings: [], hazards: [])
      expect(report[:trial]).to include(outcome: "answered", status: path == "/elsewhere" ? 404 : 200)
      expect(status).to eq(0)
    end
  end
end
