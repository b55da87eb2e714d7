# frozen_string_literal: true

# `render json:`, `js:` and `xml:` are blocks that define_method made methods of. Rails' own are defined once more, with
# blocks that can be shared; so are those that the app defines from then on.
module SharedRenderers
  def add(key, &block) = super(key, &Repairs.share_proc(block))

  def self.repair
    renderers = ActionController::Renderers
    before = renderers.all
    renderers.singleton_class.prepend(self)
    silence_warnings { load("action_controller/metal/renderers.rb") }
    renderers.instance_variable_set(:@all, before | renderers.all)
    Repairs.share_variables(renderers, :@all)
  end
end

Repairs.add "renderers", upstream: "none known" do |repair|
  repair.before { SharedRenderers.repair }
end
