# frozen_string_literal: true

RSpec.describe "Closing a response body" do
  kinds = { "each" => Bodies::Each, "to_ary" => Bodies::Listed, "call" => Bodies::Called }

  each_mode do
    let(:told) { Channel.new }

    # An app that answers with a body of the class, which has the parts, does the work, and tells what is done to it.
    def app_with(body_class, *parts, status: 200, headers: nil, &work)
      told = self.told
      Ractor.make_shareable([parts, headers, work])
      shareable { ->(_) { [status, headers.to_h.dup, body_class.new(*parts, told: told, &work)] } }
    end

    def calls = Bodies.calls(told)

    kinds.each do |kind, body_class|
      it "happens once, after #{kind}" do
        expect(ask(app_with(body_class, "one", "two"), lint: false).body).to eq("onetwo")
        expect(calls).to eq([kind.to_sym, :close])
      end

      it "happens for HEAD, where #{kind} is not asked for the body" do
        expect(ask(app_with(body_class, "one"), "HEAD", lint: false).body).to eq("")
        expect(calls - [:to_ary]).to eq([:close])
      end

      [204, 304].each do |status|
        it "happens for #{status}, where #{kind} is not asked for the body" do
          expect(ask(app_with(body_class, "one", status: status), lint: false).status).to eq(status)
          expect(calls - [:to_ary]).to eq([:close])
        end
      end

      it "happens when a header can't be sent, with #{kind}" do
        converse(app_with(body_class, "one", headers: { "x-bad" => "a\r\nb" }), lint: false) do |client, _, log|
          expect(client.get.status).to eq(500)
          expect(calls - [:to_ary]).to eq([:close])
          log.wait_for(/x-bad/)
        end
      end
    end

    it "happens for to_path" do
      expect(ask(app_with(Bodies::Filed, __FILE__)).body).to eq(File.binread(__FILE__))
      expect(calls.last(1)).to eq([:close])
    end

    { "each" => Bodies::Each, "call" => Bodies::Called }.each do |kind, body_class|
      it "happens when the body raises half-way, with #{kind}" do
        app = app_with(body_class, "one", &shareable { ->(_) { raise "half-way" } })
        converse(app) do |client, _, log|
          client.write(RawClient.message("GET", "/")).read_to_end
          expect(calls).to eq([kind.to_sym, :close])
          log.wait_for(/half-way/)
        end
      end

      it "happens when the client leaves, with #{kind}" do
        part = ("x" * 10_000).freeze
        endless = shareable { ->(out) { loop { kind == "call" ? out.write(part) : out.call(part) } } }
        serve(app_with(body_class, &endless), threads: 1) do |server|
          client = RawClient.open(server.url)
          client.write(RawClient.message("GET", "/")).read(50_000)
          client.abort
          expect(calls).to eq([kind.to_sym, :close])
        end
      end

      it "happens when the body ends its own thread, with #{kind}" do
        app = app_with(body_class, "one", &shareable { ->(_) { Thread.exit } })
        converse(app, threads: 1) do |client, _, log|
          client.write(RawClient.message("GET", "/")).read_to_end
          expect(calls).to eq([kind.to_sym, :close])
          log.allow
        end
      end
    end

    it "may raise: the answer is out, the error is logged, the worker stays" do
      sulking = Class.new(Bodies::Each) do
        def to_ary = @parts

        def close = raise("while closing")
      end
      converse(app_with(sulking, "whole"), threads: 1, lint: false) do |client, _, log|
        3.times { expect(client.get.body).to eq("whole") }
        log.wait_for(/while closing/)
      end
    end

    it "comes before response_finished" do
      told = self.told
      app = shareable do
        lambda do |env|
          env["rack.response_finished"] << ->(*) { told << :finished }
          [200, {}, Bodies::Each.new("one", told: told)]
        end
      end
      ask(app)
      expect(Array.new(3) { take(told) }).to eq(%i[each close finished])
    end
  end
end
