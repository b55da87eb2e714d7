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

    it "keeps no child that listens on" do
      only_in(:threaded, "no ractor but the main one may fork from Ruby 4.0 on") if RUBY_VERSION >= "4.0"
      not_of_processes("what runs them waits for all who have their pipes, and so for the child")
      server = server_of(shareable { ->(_) { [200, {}, [fork { sleep }.to_s]] } }, **Serving::SETTINGS).start
      url = server.url
      child = Integer(RawClient.open(url) { |client| client.get("/").body })
      server.stop
      expect(Process.wait(child, Process::WNOHANG)).to be_nil
      expect { RawClient.open(url).close }.to raise_error(Errno::ECONNREFUSED)
    ensure
      Process.kill(:KILL, child) && Process.wait(child) if child
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
