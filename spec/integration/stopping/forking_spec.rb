# frozen_string_literal: true

RSpec.describe "An app that forks" do
  each_mode do
    # Ends a child the long way, which frees all its objects.
    let(:app) do
      shareable do
        lambda do |env|
          child = fork { GC.start } if env["PATH_INFO"] == "/fork"
          Process.wait(child) if child
          [200, {}, ["child #{child ? $?.exitstatus : "none"}"]]
        end
      end
    end

    it "keeps its connections, those of others, and its server" do
      only_in(:threaded, "no ractor but the main one may fork from Ruby 4.0 on") if RUBY_VERSION >= "4.0"
      serve(app) do |server|
        RawClient.open(server.url) do |other|
          expect(other.get("/").body).to eq("child none")
          RawClient.open(server.url) do |client|
            2.times { expect(client.get("/fork").body).to eq("child 0") }
          end
          expect(other.get("/").body).to eq("child none")
        end
      end
    end
  end
end
