# frozen_string_literal: true

RSpec.describe "Closing a response body" do
  kinds = { "each" => Bodies::Each, "to_ary" => Bodies::Listed, "call" => Bodies::Called }

  each_mode do
    kinds.each do |kind, body_class|
      it "happens once, after #{kind}" do
        body = body_class.new("one", "two")
        expect(ask(->(_) { [200, {}, body] }, lint: false).body).to eq("onetwo")
        expect(body.calls).to eq([kind.to_sym, :close])
      end

      it "happens for HEAD, where #{kind} is not asked for the body" do
        body = body_class.new("one")
        expect(ask(->(_) { [200, {}, body] }, "HEAD", lint: false).body).to eq("")
        expect(body.calls - [:to_ary]).to eq([:close])
      end

      [204, 304].each do |status|
        it "happens for #{status}, where #{kind} is not asked for the body" do
          body = body_class.new("one")
          expect(ask(->(_) { [status, {}, body] }, lint: false).status).to eq(status)
          expect(body.calls - [:to_ary]).to eq([:close])
        end
      end

      it "happens when a header can't be sent, with #{kind}" do
        body = body_class.new("one")
        converse(->(_) { [200, { "x-bad" => "a\r\nb" }, body] }, lint: false) do |client, _, log|
          expect(client.get.status).to eq(500)
          expect(body.calls - [:to_ary]).to eq([:close])
          log.wait_for(/x-bad/)
        end
      end
    end

    it "happens for to_path" do
      body = Bodies::Filed.new(__FILE__)
      expect(ask(->(_) { [200, {}, body] }).body).to eq(File.binread(__FILE__))
      expect(body.calls.last(1)).to eq([:close])
    end

    { "each" => Bodies::Each, "call" => Bodies::Called }.each do |kind, body_class|
      it "happens when the body raises half-way, with #{kind}" do
        body = body_class.new("one") { raise "half-way" }
        converse(->(_) { [200, {}, body] }) do |client, _, log|
          client.write(RawClient.message("GET", "/")).read_to_end
          expect(body.calls).to eq([kind.to_sym, :close])
          log.wait_for(/half-way/)
        end
      end

      it "happens when the client leaves, with #{kind}" do
        part = "x" * 10_000
        body = body_class.new { |out| loop { kind == "call" ? out.write(part) : out.call(part) } }
        serve(->(_) { [200, {}, body] }, threads: 1) do |server|
          client = RawClient.open(server.url)
          client.write(RawClient.message("GET", "/")).read(50_000)
          client.abort
          expect(body.calls).to eq([kind.to_sym, :close])
        end
      end
    end

    { "each" => Bodies::Each, "call" => Bodies::Called }.each do |kind, body_class|
      it "happens when the body ends its own thread, with #{kind}" do
        body = body_class.new("one") { Thread.exit }
        converse(->(_) { [200, {}, body] }, threads: 1) do |client, _, log|
          client.write(RawClient.message("GET", "/")).read_to_end
          expect(body.calls).to eq([kind.to_sym, :close])
          log.allow
        end
      end
    end

    it "may raise: the answer is out, the error is logged, the worker stays" do
      body = Bodies::Listed.new("whole")
      def body.to_ary = @parts
      def body.close = raise("while closing")

      converse(->(_) { [200, {}, body] }, threads: 1, lint: false) do |client, _, log|
        3.times { expect(client.get.body).to eq("whole") }
        log.wait_for(/while closing/)
      end
    end

    it "comes before response_finished" do
      body = Bodies::Each.new("one")
      app = lambda do |env|
        env["rack.response_finished"] << ->(*) { body.told << :finished }
        [200, {}, body]
      end
      ask(app)
      expect(Array.new(3) { take(body.told) }).to eq(%i[each close finished])
    end
  end
end
